"""A run that died once its work was done: another one tells Dagster, until Dagster shows what the ledger says."""

from __future__ import annotations

import dagster as dg

from casegold.control.db import ControlDb
from casegold.jobs.launch import launch
from resources.runs import attempt_of
from sensors.untold import catch_up_request
from tests.platform.conftest import House, all_attempts, send
from tests.platform.test_computed_runs import DAYS, SNAPSHOT

JOB = "compute_case_daily_snapshot"


def died(house: House, request: dg.RunRequest, *, after_the_work: bool) -> dg.DagsterRun:
    """A requested run whose process died before its work, or between its work and telling Dagster of it."""
    assert request.job_name == JOB
    run = house.instance.create_run_for_job(house.defs.resolve_job_def(JOB), tags=dict(request.tags))
    named = attempt_of(request.tags)
    if after_the_work and named is not None:
        launch(house.platform, *named, run.run_id)
    house.instance.report_run_failed(run)
    found = house.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def due(house: House) -> dg.RunRequest:
    send()
    house.until_quiet("domain_events", "domain_totals")
    house.tick("day_close")
    (request,) = house.tick("planner")
    return request


def test_dagster_is_told_of_work_whose_run_died(house: House, control: ControlDb) -> None:
    run = died(house, due(house), after_the_work=True)
    assert all_attempts(control)[-1] == ("gold/case_daily_snapshot", 1, "SUCCEEDED")
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set()

    first = catch_up_request(control, run, {JOB})
    assert first is not None
    run = died(house, first, after_the_work=True)  # it dies as well, before it has told anything
    second = catch_up_request(control, run, {JOB})
    assert second is not None
    assert second.run_key != first.run_key
    assert house.run(second).success
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set(DAYS)
    assert [row["version"] for row in control.rows("select version from dataset_version")] == [1]


def test_a_run_that_died_before_its_work_was_done_is_the_cores_to_repeat(house: House, control: ControlDb) -> None:
    run = died(house, due(house), after_the_work=False)
    assert catch_up_request(control, run, {JOB}) is None


def test_the_sensor_of_failed_runs_requests_it(house: House) -> None:
    run = died(house, due(house), after_the_work=True)
    (record,) = house.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    assert record.event_log_entry.dagster_event is not None
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_instance=house.instance,
        dagster_run=run,
        dagster_event=record.event_log_entry.dagster_event,
        resources={"platform": house.resource},
    )
    request = house.defs.get_sensor_def("failed_runs")(context)
    assert isinstance(request, dg.RunRequest)
    assert request.job_name == JOB
