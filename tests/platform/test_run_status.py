"""Runs that end before their attempt began, and terminated ones, are told to the core; others tell it themselves."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from threading import Thread, main_thread

import dagster as dg
import pytest

from casegold.control.db import ControlDb
from casegold.control.runs import interventions
from casegold.control.runs.retry import LAUNCH
from casegold.domain import failpoints
from casegold.scheduling.ticks import launch_failed
from tests.platform.conftest import House, all_attempts, send


def tell(house: House, sensor: str, run: dg.DagsterRun, event: dg.DagsterEvent) -> None:
    """What the daemon does for one ended run."""
    definition = house.defs.get_sensor_def(sensor)
    assert isinstance(definition, dg.RunStatusSensorDefinition)
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor,
        dagster_instance=house.instance,
        dagster_run=run,
        dagster_event=event,
        resources={"platform": house.resource},
    )
    definition(context)


def ended(
    house: House, end: Callable[[dg.DagsterInstance, dg.DagsterRun], dg.DagsterEvent]
) -> tuple[dg.DagsterRun, dg.DagsterEvent]:
    """A requested run that ends before it starts."""
    (request,) = house.tick("domain_events")
    assert request.job_name is not None
    run = house.instance.create_run_for_job(house.defs.resolve_job_def(request.job_name), tags=dict(request.tags))
    event = end(house.instance, run)
    found = house.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found, event


def test_an_attempt_that_never_began_is_recorded_as_failed_to_launch(house: House, control: ControlDb) -> None:
    send()
    tell(house, "failed_runs", *ended(house, lambda instance, run: instance.report_run_failed(run)))
    assert all_attempts(control) == [("silver/case_events", 1, "LAUNCH_FAILED")]


def manifests(control: ControlDb) -> list[tuple[str, str | None]]:
    rows = control.rows("select state, outcome ->> 'cancelled_by' as by from run_manifest order by requested_at")
    return [(row["state"], row["by"]) for row in rows]


def test_a_terminated_run_is_cancelled_and_not_asked_for_again(house: House, control: ControlDb) -> None:
    send()
    run, event = ended(house, lambda instance, run: instance.report_run_canceled(run))
    tell(house, "cancelled_runs", run, event)
    assert all_attempts(control) == [("silver/case_events", 1, "CANCELLED")]
    assert manifests(control) == [("CANCELLED", "dagster-ui")]
    assert house.tick("domain_events") == []
    retry(control)
    tell(house, "cancelled_runs", run, event)  # run-status sensors may come late, and twice
    (request,) = house.tick("domain_events")
    assert house.run(request).success


def test_a_terminated_run_is_found_by_the_sensor_that_asked_for_it_too(house: House, control: ControlDb) -> None:
    send()
    ended(house, lambda instance, run: instance.report_run_canceled(run))
    assert house.tick("domain_events") == []
    assert manifests(control) == [("CANCELLED", "dagster-ui")]


@pytest.mark.parametrize("asked_for", [True, False])
def test_an_interrupt_cancels_the_run_only_where_somebody_asked_for_it(
    house: House, control: ControlDb, asked_for: bool
) -> None:
    """A person terminates the run while it works; a machine that shuts down interrupts it as well."""
    send()
    (request,) = house.tick("domain_events")
    failpoints.arm("append-bronze/case_events.before:hang")
    interrupting = Thread(target=interrupt, args=(house, asked_for))
    interrupting.start()
    try:
        house.run(request)
    finally:
        interrupting.join()
        failpoints.arm("")
    assert all_attempts(control) == [("silver/case_events", 1, "FAILED")]
    assert manifests(control) == [("CANCELLED", "dagster-ui") if asked_for else ("OPEN", None)]


def interrupt(house: House, asked_for: bool) -> None:
    """Interrupt the run that hangs in the main thread, as a launcher does."""
    while not failpoints.has_fired():
        time.sleep(0.05)
    (run,) = house.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    if asked_for:
        house.instance.report_run_canceling(run)
    signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def retry(control: ControlDb) -> None:
    (row,) = control.rows("select run_id from run_manifest where state = 'CANCELLED'")
    with control.write("by a test") as connection:
        interventions.retry(connection, row["run_id"], "ann", "after all")


def test_an_attempt_that_began_records_its_own_end(house: House, control: ControlDb) -> None:
    send()
    (request,) = house.tick("domain_events")
    result = house.run(request)
    run = house.instance.get_run_by_id(result.run_id)
    assert run is not None
    tell(house, "failed_runs", run, house.instance.report_run_failed(run))
    assert all_attempts(control) == [("silver/case_events", 1, "SUCCEEDED")]


def test_a_launcher_that_never_starts_anything_is_given_up(house: House, control: ControlDb) -> None:
    send()
    for number in range(1, LAUNCH.attempts + 1):
        (request,) = house.tick("domain_events")
        assert launch_failed(house.platform, request.tags["casegold/run_id"], number, "no launcher")
        with control.write("by a test") as connection:
            connection.execute("update run_attempt set not_before = now()")
    assert house.tick("domain_events") == []
    rows = control.rows("select state, outcome ->> 'error' as error from run_manifest")
    assert [(row["state"], row["error"]) for row in rows] == [("FAILED", "no launcher")]
