"""Dagster's own commands, from the top level with `DAGSTER_HOME=$PWD`, as README.md writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from casegold.runtime.shipped import REPOSITORY
from tests.platform.conftest import LAST, House, send

BIN = Path(sys.executable).parent
TARGET = ("gold/case_daily_snapshot", "--partition", LAST.isoformat())
MATERIALISATIONS = """
select partition from dagster.event_logs
where dagster_event_type = 'ASSET_MATERIALIZATION' and asset_key = '["gold", "case_daily_snapshot"]'
"""


def run(*command: str) -> str:
    """What the command prints, with the environment's activation left out: `dg` finds its Python by PATH."""
    environment = os.environ | {"DAGSTER_HOME": str(REPOSITORY), "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("dg", "launch", "--assets", *TARGET),
        ("dagster", "asset", "materialize", "-m", "platform_assets.definitions", "--select", *TARGET),
    ],
)
def test_a_due_partition_is_published_by_hand(house: House, command: tuple[str, ...]) -> None:
    send("--days", "1")
    house.until_quiet("domain_events", "domain_totals", "day_close")
    run(*command)
    control = house.platform.control
    assert control.rows("select dataset, state from dataset_version") == [
        {"dataset": "gold/case_daily_snapshot", "state": "COMPLETED"}
    ]
    assert control.rows(MATERIALISATIONS) == [{"partition": LAST.isoformat()}]


@pytest.mark.usefixtures("database")
def test_dg_loads_the_definitions() -> None:
    assert "All definitions loaded successfully." in run("dg", "check", "defs")
    assert "case_daily_snapshot" in run("dg", "list", "defs", "--json")
