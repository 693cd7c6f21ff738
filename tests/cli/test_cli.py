"""The command line as a process: exit codes, what an error says, help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from casegold.runtime.settings import Settings


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casegold.cli.main", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_unknown_setting_ends_with_40_and_its_name() -> None:
    done = run("status", CASEGOLD_TYPO="1")
    assert done.returncode == 40
    assert "CASEGOLD_TYPO" in done.stderr
    assert "->" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_ends_with_40() -> None:
    assert run("conquer").returncode == 40


def test_servers_that_were_never_started_end_with_20_and_the_remedy(tmp_path: Path) -> None:
    for command in ("status", "env", "plan"):
        done = run(command, CASEGOLD_HOME=str(tmp_path / "none"))
        assert done.returncode == 20, (command, done.stderr)
        assert "casegold up" in done.stderr


def test_up_with_servers_of_ones_own_starts_nothing(settings: Settings) -> None:
    done = run("up")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in settings.home.iterdir()) == ["dagster", "services.lock"]
    assert run("status").returncode == 0
    assert run("down").stdout == "no local server was running\n"


def test_another_time_zone_than_at_the_first_start_is_refused(settings: Settings) -> None:
    assert settings.time_zone == "UTC"
    done = run("up", CASEGOLD_TIME_ZONE="Europe/Berlin")
    assert done.returncode == 40
    assert "CASEGOLD_TIME_ZONE=UTC" in done.stderr
