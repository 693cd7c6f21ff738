"""Without Dagster: the same ticks, executed in this process until nothing moves."""

from __future__ import annotations

from casegold.control.db import ControlDb
from casegold.domain.errors import ExitClass
from casegold.scheduling.worker import run_until_idle
from tests.platform.conftest import House, send


def test_the_loop_ends_once_everything_is_published(house: House, control: ControlDb) -> None:
    send()
    idle = run_until_idle(house.platform)
    assert {done.exit_class for done in idle.executions} == {ExitClass.SUCCESS}
    assert idle.waiting == ()
    rows = control.rows("select count(*) as n from partition_state where current_version = 1")
    assert rows[0]["n"] == 3
    assert run_until_idle(house.platform).executions == ()


def test_a_closed_gate_ends_in_its_class_and_the_loop_goes_on(house: House) -> None:
    send("--totals-error", "2026-03-02")
    idle = run_until_idle(house.platform)
    assert ExitClass.VALIDATION_FAILED in {done.exit_class for done in idle.executions}
    assert idle.waiting == ()
