"""A worker is killed at any instant, again and again; what the last one leaves is what an undisturbed one would.

`make soak N=200` soaks; the seed is printed, and `SOAK_SEED` replays it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date

import pytest

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar, days
from casegold.runtime.settings import Settings
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 1, 20), date(2024, 2, 8)
KILLS = int(os.environ.get("SOAK_KILLS", "3"))
SEED = int(os.environ.get("SOAK_SEED", str(random.randrange(10**6))))
LONGEST_LIFE_SECONDS = 9.0
"""Imports take the first three, the work about as much again: most lives end in the middle of something."""

WORK = [sys.executable, "-m", "casegold.cli.main", "work", "--until-idle"]


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": FIRST.isoformat(),
        "business_clock": clock,
        "ingest_chunk_records": "150",
    }


def live(seconds: float) -> int | None:
    """Let a worker live so long; its exit code, or None where it was killed."""
    with subprocess.Popen(WORK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as worker:
        try:
            _, errors = worker.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
            return None
    assert worker.returncode == 0, errors
    return worker.returncode


def let_time_pass(control: ControlDb) -> None:
    """What a minute without heartbeats and some minutes of backoff would do."""
    with control.write("by a test") as connection:
        connection.execute("update dataset_claim set heartbeat_at = heartbeat_at - interval '1 hour'")
        connection.execute(
            "update run_attempt set heartbeat_at = heartbeat_at - interval '1 hour',"
            " not_before = not_before - interval '1 hour' where heartbeat_at is not null"
        )
        # Three deaths in a row are a bug to the platform; here they are the experiment.
        connection.execute("update run_attempt set state = 'LAUNCH_FAILED', exit_class = null where state = 'LOST'")


def test_a_worker_killed_at_any_instant_leaves_nothing_lost_doubled_or_wrong(settings: Settings) -> None:
    print(f"SOAK_SEED={SEED} SOAK_KILLS={KILLS}")
    chance = random.Random(SEED)
    command("simulate", "--cases", 60, "--days", 20, "--seed", 5, "--until", LAST, "--duplicates", 0.05)
    control = ControlDb(settings.control_url())
    killed = 0
    while killed < KILLS:
        if live(chance.uniform(2.5, LONGEST_LIFE_SECONDS)) is None:
            killed += 1
        else:  # it was done before its time: give the next ones something to do
            command("simulate", "--cases", 60, "--days", 20, "--seed", 5, "--until", LAST, "--duplicates", 0.05)
        let_time_pass(control)
    assert live(300) == 0
    let_time_pass(control)
    assert live(300) == 0, "what waited for a backoff is done now"

    installation = Installation(settings)
    plan = Plan(60, 20, 5, LAST, CALENDAR, duplicates=0.05)
    facts = facts_of(sent.event for sent in simulate(plan) if sent.event is not None)
    ends = {day: CALENDAR.end_of(day) for day in days(FIRST, LAST)}
    assert installation.rows(SNAPSHOT, FIRST, LAST) == snapshots(facts, ends)
    assert_nothing_lost_or_doubled(installation, control, len(facts))


def assert_nothing_lost_or_doubled(installation: Installation, control: ControlDb, facts: int) -> None:
    (ledger,) = control.rows(
        "select sum(records)::bigint as records, sum(accepted)::bigint as accepted, max(seq) as seq"
        " from ingest_commit where dataset = 'silver/case_events'"
    )
    assert ledger["accepted"] == facts
    lake = installation.platform.lake
    in_lake = {
        dataset: sum(file.record_count for file in lake.data_files(dataset))
        for dataset in ("bronze/case_events", "silver/case_events")
    }
    assert in_lake == {"bronze/case_events": ledger["records"], "silver/case_events": facts}
    (read,) = control.rows(
        "select sum(position)::bigint as offsets from source_position where consumer = 'silver/case_events'"
    )
    assert read["offsets"] == ledger["records"]
    assert control.rows("select 1 from dataset_version where state in ('PREPARED', 'ABANDONING')") == []
    assert control.rows("select 1 from dataset_claim") == []
    (announced,) = control.rows("select count(*) as events from outbox where type = 'DatasetVersionPublished'")
    (versions,) = control.rows("select count(*) as versions from dataset_version where state = 'COMPLETED'")
    assert announced["events"] == versions["versions"]
