"""The graph is what was reviewed, loads without servers, and loads fast."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from casegold.runtime.settings import Settings
from platform_assets.build import build_defs
from tests.platform.graph import SNAPSHOT, graph, text

LOAD = """
import sys
import platform_assets.definitions
print(",".join(name for name in ("pyiceberg", "polars", "duckdb", "pandera", "confluent_kafka") if name in sys.modules))
"""


def test_the_graph_is_the_reviewed_one(tmp_path: Path) -> None:
    found = text(graph(build_defs(Settings(home=tmp_path))))
    assert found == SNAPSHOT.read_text(encoding="utf-8"), (
        "the graph changed: `python -m tests.platform.graph` writes the snapshot anew; review the difference"
    )


def test_definitions_load_in_a_fresh_process_without_servers_or_engines(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEGOLD_")}
    environment["CASEGOLD_HOME"] = str(tmp_path / "never-started")
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD], env=environment, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "", "engines are loaded by runs, not by definitions"
    assert not (tmp_path / "never-started").exists()


def test_definitions_load_without_warnings(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_defs(Settings(home=tmp_path))


@pytest.mark.parametrize("dataset", ["gold/case_daily_snapshot", "gold/breach_metrics", "reports/enforcement_report"])
def test_every_check_of_a_contract_is_a_check_of_its_asset(dataset: str, tmp_path: Path) -> None:
    from casegold.runtime.contracts import load_contracts  # noqa: PLC0415

    contract = load_contracts(Settings().contracts_dir)[dataset]
    checks = graph(build_defs(Settings(home=tmp_path)))["assets"][dataset]["checks"]
    scopes = {name: scope for name, scope in checks.items() if scope != "whole"}
    assert scopes == {rule.name: "partitions, blocking" if rule.required else "partitions" for rule in contract.checks}
