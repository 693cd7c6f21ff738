"""Daemon, code server and run killed all at once, at every phase of a run: nothing stays open, no hand is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import psycopg
import pytest
from psycopg.rows import TupleRow

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar
from casegold.runtime.settings import Settings
from tests.crash.restarts import let_time_pass
from tests.crash.test_daemon import FIRST, LAST, PLAN, Daemon, assert_all_right, converge, wait_until
from tests.e2e.installation import command

CALENDAR = BusinessCalendar("Europe/Amsterdam")
LEASE_SECONDS = 30


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": FIRST.isoformat(),
        "business_clock": CALENDAR.end_of(LAST).isoformat(),
        "ingest_chunk_records": "60",
        "run_lease_seconds": str(LEASE_SECONDS),
    }


PHASES = {
    "its process starts": "attempt-start.before:hang",
    "it waits for its attempt": "attempt-start.before:hang",
    "its attempt works": "append-bronze/case_events.before:hang",
    "its attempt has ended": "attempt-finish.after:hang",
}
"""What a run of the ingest does at the moment of the kill, and what holds it there."""


@pytest.mark.long("sensors/", "resources/", "platform_assets/running.py", "casegold/control/runs/attempts.py")
def test_whole_trees_killed_at_every_phase_of_a_run(settings: Settings) -> None:
    control = ControlDb(settings.control_url())
    command("simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST)
    for phase, failpoint in PHASES.items():
        daemon = Daemon(settings, environment={"CASEGOLD_FAILPOINT": failpoint})
        try:
            daemon.start()
            wait_until(phase, partial(reached, settings, control, daemon, phase))
        finally:
            daemon.end()
        let_time_pass(control)
    daemon = Daemon(settings)
    try:
        daemon.start()
        converge(settings, [daemon], control)
        wait_until("no run of Dagster is open", lambda: not open_runs(settings))
    finally:
        daemon.end()
    assert_all_right(settings, control)


def reached(settings: Settings, control: ControlDb, daemon: Daemon, phase: str) -> bool:
    """Whether a run is where it is to be killed."""
    if phase == "its process starts":
        return bool(daemon.runs())
    state = {"it waits for its attempt": "REQUESTED", "its attempt works": "RUNNING"}.get(phase, "SUCCEEDED")
    found = control.rows(
        "select from run_attempt a join run_manifest m using (run_id)"
        " where m.dataset = 'silver/case_events' and a.state = %(state)s",
        {"state": state},
    )
    return bool(found) and "STARTED" in open_runs(settings)


def open_runs(settings: Settings) -> list[str]:
    """The status of every run that Dagster takes for unfinished."""
    with psycopg.connect(settings.dagster_url()) as connection:
        rows: list[TupleRow] = connection.execute(
            "select status from runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')"
        ).fetchall()
    return [row[0] for row in rows]
