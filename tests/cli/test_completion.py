"""Shell completion, spoken as shells speak it: no server, and a script for each shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from casegold.cli.arguments import datasets
from casegold.cli.main import ENTRIES
from casegold.runtime.contracts import load_contracts
from casegold.runtime.shipped import DATASET_CONTRACTS


def completed(*words: str, **variables: str) -> list[str]:
    """What bash would offer for the last of these words."""
    done = subprocess.run(
        [sys.executable, "-m", "casegold.cli.main"],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("CASEGOLD_")},
            "_CASEGOLD_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["casegold", *words]),
            "COMP_CWORD": str(len(words)),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == "" and done.returncode == 0
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_subcommands_options_and_choices() -> None:
    assert completed("") == list(ENTRIES)
    assert completed("ver") == ["versions", "verify"]
    assert completed("runs", "") == ["list", "show"]
    assert {"--partition", "--columns", "--format"} <= set(completed("show", "--"))
    assert completed("show", "--format", "") == ["table", "json", "csv"]
    assert completed("completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("words", [("show",), ("verify",), ("republish",), ("runs", "list", "--dataset")])
def test_datasets_come_from_the_contracts(words: tuple[str, ...]) -> None:
    assert completed(*words, "gold/") == ["gold/breach_metrics", "gold/case_daily_snapshot"]


def test_the_names_are_those_that_the_contracts_give(tmp_path: Path) -> None:
    assert datasets() == sorted(each.dataset for each in load_contracts(DATASET_CONTRACTS))
    (tmp_path / "one.yaml").write_text("customProperties:\n  - property: datasetId\n    value: gold/one\n")
    ours = completed("show", "", CASEGOLD_CONTRACTS_DIR=str(tmp_path / "none"))
    assert ours == ["gold/breach_metrics", "gold/case_daily_snapshot", "reports/enforcement_report"]
    assert completed("show", "", CASEGOLD_CONTRACTS_DIR=str(tmp_path)) == sorted([*ours, "gold/one"])
    (tmp_path / "two").mkdir()
    (tmp_path / "one.yaml").rename(tmp_path / "two" / "contract.yaml")
    assert completed("show", "gold/o", CASEGOLD_PRODUCTS_DIR=str(tmp_path)) == ["gold/one"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "casegold.cli.main", "completion", shell],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert f"_CASEGOLD_COMPLETE={shell}_complete" in printed
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=printed, text=True, check=True, timeout=60)
