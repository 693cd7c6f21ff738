"""A Dagster run without a sign of life is ended, and its attempt asked for again; one with any is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType

from casegold.control.db import ControlDb
from casegold.control.integrity import standing_checks
from casegold.control.runs import attempts
from resources.runs import LANE_TAG
from sensors.dead_runs import WITHOUT_ATTEMPT, end_dead
from tests.platform.conftest import House, all_attempts, send
from tests.platform.test_run_status import tell

LEASE = timedelta(seconds=180)
SOON, LATER = timedelta(seconds=170), timedelta(seconds=190)


def started(house: House, job: str, tags: Mapping[str, str]) -> dg.DagsterRun:
    """A run whose process reported that it has started, and nothing since."""
    run = house.instance.create_run_for_job(house.defs.resolve_job_def(job), tags=dict(tags))
    event = DagsterEvent(DagsterEventType.RUN_START.value, job_name=job, message="started")
    house.instance.report_dagster_event(event, run.run_id)
    return run


def requested(house: House) -> dg.DagsterRun:
    """A started run of an attempt that has not begun."""
    send()
    (request,) = house.tick("domain_events")
    assert request.job_name is not None
    return started(house, request.job_name, request.tags)


def dead(house: House, control: ControlDb, after: timedelta) -> list[str]:
    """What the sensor would end so long from now."""
    return list(end_dead(house.instance, control, LEASE, datetime.now(UTC) + after))


def status(house: House, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = house.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_that_died_before_its_attempt_began_is_ended_and_asked_for_again(
    house: House, control: ControlDb
) -> None:
    run = requested(house)
    assert dead(house, control, SOON) == []
    (told,) = dead(house, control, LATER)
    assert run.run_id in told
    assert status(house, run) is dg.DagsterRunStatus.FAILURE
    assert dead(house, control, LATER) == [], "once"
    (record,) = house.instance.get_records_for_run(run.run_id, of_type=DagsterEventType.RUN_FAILURE).records
    assert record.event_log_entry.dagster_event is not None
    ended = house.instance.get_run_by_id(run.run_id)
    assert ended is not None
    tell(house, "failed_runs", ended, record.event_log_entry.dagster_event)
    assert all_attempts(control) == [("silver/case_events", 1, "LAUNCH_FAILED")]
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set not_before = now()")
    (again,) = house.tick("domain_events")
    assert house.run(again).success


def test_a_run_whose_attempt_lives_is_left_alone(house: House, control: ControlDb) -> None:
    run = requested(house)
    with control.write("by a test") as connection:
        later = datetime.now(UTC) + LATER
        connection.execute("update run_attempt set state = 'RUNNING', started_at = now(), heartbeat_at = %s", [later])
    assert dead(house, control, LATER) == []
    assert dead(house, control, 2 * LATER) != []
    assert status(house, run) is dg.DagsterRunStatus.FAILURE


def test_a_run_that_still_records_events_is_left_alone(house: House, control: ControlDb) -> None:
    run = requested(house)
    with control.write("by a test") as connection:
        connection.execute(
            "update run_attempt set state = 'SUCCEEDED', exit_class = 0, requested_at = now() - interval '1 hour',"
            " started_at = now() - interval '1 hour', ended_at = now() - interval '1 hour'"
        )
    house.instance.report_engine_event("recorded a partition", run)
    assert dead(house, control, SOON) == []
    assert dead(house, control, LATER) != []


def test_a_run_without_an_attempt_has_an_hour_between_events(house: House, control: ControlDb) -> None:
    run = started(house, "maintenance", {LANE_TAG: "compute"})
    assert dead(house, control, WITHOUT_ATTEMPT - timedelta(minutes=1)) == []
    assert dead(house, control, WITHOUT_ATTEMPT + timedelta(minutes=1)) != []
    assert status(house, run) is dg.DagsterRunStatus.FAILURE


def test_runs_of_others_are_not_ours_to_end(house: House, control: ControlDb) -> None:
    @dg.job
    def somebody() -> None:
        pass

    run = house.instance.create_run_for_job(somebody)
    event = DagsterEvent(DagsterEventType.RUN_START.value, job_name="somebody", message="started")
    house.instance.report_dagster_event(event, run.run_id)
    assert dead(house, control, timedelta(days=30)) == []
    assert status(house, run) is dg.DagsterRunStatus.STARTED


def test_an_attempt_that_waits_too_long_is_red(house: House, control: ControlDb) -> None:
    requested(house)
    assert standing_checks.ask(control, standing_checks.STUCK_ATTEMPTS).count == 0
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set requested_at = now() - interval '11 minutes'")
    answer = standing_checks.ask(control, standing_checks.STUCK_ATTEMPTS)
    assert (answer.count, answer.sample[0]["state"]) == (1, "REQUESTED")
    (row,) = control.rows("select run_id from run_attempt")
    attempts.start(control, row["run_id"], 1, "a test")
    assert standing_checks.ask(control, standing_checks.STUCK_ATTEMPTS).count == 0
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set started_at = now() - interval '11 minutes', heartbeat_at = null")
    assert standing_checks.ask(control, standing_checks.STUCK_ATTEMPTS).sample[0]["state"] == "RUNNING"
