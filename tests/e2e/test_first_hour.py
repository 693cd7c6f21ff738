"""The commands of the first hour do what its page shows, from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from casegold.runtime.shipped import REPOSITORY
from tests.e2e.test_walkthroughs import BLOCK, MARK, assert_shows

PAGE = REPOSITORY / "docs" / "first-hour.md"
SETTINGS = {
    "time_zone": "Europe/Amsterdam",
    "first_date": "2024-03-01",
    "business_clock": "2024-03-05T00:00:00+01:00",
}


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return SETTINGS


@pytest.mark.usefixtures("settings")
def test_the_first_hour(tmp_path: Path) -> None:
    page = BLOCK.findall(PAGE.read_text("utf-8"))
    (setup,) = (text for kind, text in page if kind == "shell")
    for name, value in SETTINGS.items():
        assert f"CASEGOLD_{name.upper()}={value}" in setup, "the page's settings are the test's"
    commands = [text for kind, text in page if kind == "sh"]
    script = "\n".join(["set -eu -o pipefail", *(f"echo '{MARK}'\n{block}" for block in commands)])
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "COLUMNS": "300", "PATH": f"{tools}:{os.environ['PATH']}"},
        check=False,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    shown = [text for kind, text in page if kind == "text"]
    printed = done.stdout.split(MARK + "\n")[1:]
    assert len(printed) == len(shown)
    for output, lines in zip(printed, shown, strict=True):
        assert_shows(output, lines)
