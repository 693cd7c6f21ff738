"""The commands of a walkthrough do what its page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from tests.e2e.test_real_logs import LOGS, RECEIPT, RECEIPT_SETTINGS

PAGE = REPOSITORY / "docs" / "walkthroughs" / "correction.md"
BLOCK = re.compile(r"^```(shell|sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "@@@ next"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return RECEIPT_SETTINGS


@pytest.fixture
def people_leave(settings: Settings) -> Iterator[None]:
    """Logins that the page makes belong to the whole server; they end with the test."""
    yield
    for login in ("ann", "bob", "carol"):
        people.remove(ControlDb(settings.owner_url()), login)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text("utf-8")) if found == kind]


def run(directory: Path) -> list[str]:
    """What each block of commands prints, all of them in one shell."""
    script = "\n".join(["set -eu -o pipefail", *(f"echo '{MARK}'\n{block}" for block in blocks("sh"))])
    tools = Path(sys.executable).parent
    environment = {**os.environ, "EVENT_LOGS": str(LOGS), "COLUMNS": "300", "PATH": f"{tools}:{os.environ['PATH']}"}
    (directory / "contracts").symlink_to(REPOSITORY / "contracts")
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        check=False,
        cwd=directory,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.split(MARK + "\n")[1:]


def assert_shows(printed: str, shown: str) -> None:
    """Every line that the page shows was printed, in this order; blanks count once, `…` is anything."""
    rest = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in shown.splitlines():
        pattern = re.escape(" ".join(line.split())).replace("…", ".*")
        assert any(re.fullmatch(pattern, found) for found in rest), f"not printed: {line}\n\n{printed}"


@pytest.mark.skipif(not RECEIPT.exists(), reason=f"the public log receipt.csv is not in {LOGS}: set EVENT_LOGS")
@pytest.mark.usefixtures("people_leave")
def test_a_correction_from_the_letter_to_the_way_back(tmp_path: Path) -> None:
    (setup,) = blocks("shell")
    for name in ("time_zone", "first_date", "business_clock"):
        assert f"CASEGOLD_{name.upper()}={RECEIPT_SETTINGS[name]}" in setup, "the page's settings are the test's"
    printed, page = run(tmp_path), BLOCK.findall(PAGE.read_text("utf-8"))
    number = -1
    for kind, text in page:
        if kind == "sh":
            number += 1
        elif kind == "text":
            assert_shows(printed[number], text)
    assert number == len(printed) - 1
