"""Workers side by side, some of them asleep where it hurts: one does the work, the others find out that they do not.

A sleeper is a process that stops itself at a fail point, heartbeats included, as a machine does that is suspended. It
is taken for dead, its dataset is taken over, and it wakes up when everything is done, or in the middle of it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from casegold.control.db import ControlDb
from casegold.control.versions import official_state
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from tests.crash.final_state import final_state
from tests.crash.restarts import MOST_RESTARTS, Worker, let_time_pass, restart_until_done
from tests.crash.test_fail_points import FIRST, LAST, OVERRIDES, assert_same, load

GOLD = "gold/case_daily_snapshot"


@pytest.fixture
def overrides() -> dict[str, str]:
    return OVERRIDES


def fall_asleep(control: ControlDb, at: str) -> Worker:
    """A worker that sleeps at a point, for so long that it is taken for dead."""
    for _ in range(MOST_RESTARTS):
        worker = Worker(f"{at}:stop", impatient=True)
        if worker.wait_until_stopped():
            let_time_pass(control)
            return worker
        let_time_pass(control)  # what was due had to wait after the death before
    raise AssertionError(f"no worker came to {at}")


def wake(worker: Worker) -> None:
    worker.go_on()
    ended = worker.end()
    assert ended.error is None, ended


def lost_attempts(control: ControlDb) -> int:
    (row,) = control.rows("select count(*) as lost from run_attempt where state = 'LOST'")
    return int(row["lost"])


def assert_recorded_is_committed(platform: Platform) -> None:
    """The files that official versions are recorded with are the ones on main, and each version landed once."""
    with platform.control.read() as connection:
        days = list(official_state.partition_states(connection, GOLD, FIRST, LAST))
        recorded = {file.path for file in official_state.current_files(connection, GOLD, days)}
    assert recorded == {file.file_path for file in platform.lake.data_files(GOLD)}


def test_two_workers_at_once_do_the_work_of_one(settings: Settings, loaded_once: dict[str, Any]) -> None:
    control = ControlDb(settings.control_url())
    load()
    for ended in [worker.end() for worker in [Worker(), Worker(), Worker()]]:
        assert ended.error is None, ended
    restart_until_done(control, [])
    assert_same(final_state(open_platform(settings)), loaded_once)
    failed = control.rows(
        "select dataset, message from run_attempt join run_manifest using (run_id) where exit_class <> 0"
    )
    assert failed == [], "they get out of each other's way"


CHAINS = {
    "before": (
        "append-bronze/case_events.before",
        "append-silver/case_events.before",
        "stage-commit.before",
        "publish-commit.before",
    ),
    "within a transaction": (
        "ingest-complete.before",
        "attempt-finish.before",
        "version-prepare.before",
        "version-complete.before",
    ),
    "after": (
        "append-bronze/case_events.after",
        "append-silver/case_events.after",
        "version-prepare.after",
        "publish-commit.after",
    ),
}
"""Where one after the other falls asleep; each takes over from the one before."""


@pytest.mark.parametrize("chain", CHAINS)
def test_sleepers_change_nothing_when_they_wake(settings: Settings, loaded_once: dict[str, Any], chain: str) -> None:
    control = ControlDb(settings.control_url())
    load()
    asleep = [fall_asleep(control, at) for at in CHAINS[chain]]
    restart_until_done(control, [])
    platform = open_platform(settings)
    before = final_state(platform)
    lost = lost_attempts(control)
    for worker in asleep:
        wake(worker)
    restart_until_done(control, [])
    assert_same(final_state(platform), loaded_once)
    assert_same(before, loaded_once)
    assert_recorded_is_committed(platform)
    assert lost_attempts(control) == lost, "what a sleeper does after its death is no outcome of a run"


def test_a_publisher_wakes_between_being_abandoned_and_its_successor(
    settings: Settings, loaded_once: dict[str, Any]
) -> None:
    control = ControlDb(settings.control_url())
    load()
    publisher = fall_asleep(control, "publish-commit.before")
    successor = fall_asleep(control, "version-settle.after")
    wake(publisher)
    wake(successor)
    restart_until_done(control, [])
    platform = open_platform(settings)
    assert_same(final_state(platform), loaded_once)
    assert_recorded_is_committed(platform)
    states = control.rows(
        "select version, state from dataset_version where dataset = %(gold)s order by version", {"gold": GOLD}
    )
    assert [row["state"] for row in states] == ["ABANDONED", "COMPLETED"]


def test_a_table_is_made_once_by_whoever_is_first(settings: Settings) -> None:
    """The catalog's own tables, the namespaces and the tables, each asked for by several at the same instant."""
    together = Barrier(6)

    def make(_: int) -> list[str]:
        lake = open_platform(settings).lake
        together.wait()
        return [str(lake.table(dataset).metadata.table_uuid) for dataset in (GOLD, "silver/case_events")]

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(make, range(6)))
    assert made == [made[0]] * 6
