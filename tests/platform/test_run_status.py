"""Runs that end before their attempt began are told to the core; all others are none of its business."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest

from casegold.manifest.db import ControlDb
from casegold.runtime.ticks import launch_failed
from tests.platform.conftest import House, attempts, send


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


@pytest.mark.parametrize(
    ("sensor", "end"),
    [
        ("failed_runs", lambda instance, run: instance.report_run_failed(run)),
        ("cancelled_runs", lambda instance, run: instance.report_run_canceled(run)),
    ],
)
def test_an_attempt_that_never_began_is_recorded_as_failed_to_launch(
    house: House,
    control: ControlDb,
    sensor: str,
    end: Callable[[dg.DagsterInstance, dg.DagsterRun], dg.DagsterEvent],
) -> None:
    send()
    tell(house, sensor, *ended(house, end))
    assert attempts(control) == [("silver/case_events", 1, "LAUNCH_FAILED")]


def test_an_attempt_that_began_records_its_own_end(house: House, control: ControlDb) -> None:
    send()
    (request,) = house.tick("domain_events")
    result = house.run(request)
    run = house.instance.get_run_by_id(result.run_id)
    assert run is not None
    tell(house, "failed_runs", run, house.instance.report_run_failed(run))
    assert attempts(control) == [("silver/case_events", 1, "SUCCEEDED")]


def test_a_launcher_that_never_starts_anything_is_given_up(house: House, control: ControlDb) -> None:
    send()
    for number in range(1, 11):
        (request,) = house.tick("domain_events")
        assert launch_failed(house.platform, request.tags["casegold/run_id"], number, "no launcher")
        with control.write("by a test") as connection:
            connection.execute("update run_attempt set not_before = now()")
    assert house.tick("domain_events") == []
    rows = control.rows("select state, outcome ->> 'error' as error from run_manifest")
    assert [(row["state"], row["error"]) for row in rows] == [("FAILED", "no launcher")]
