"""From new offsets to silver through Dagster: requests, runs, events, and what happens to launches that fail."""

from __future__ import annotations

import dagster as dg

from casegold.control.db import ControlDb
from resources.runs import ATTEMPT_TAG, DEFERRED_TAG, RUN_ID_TAG
from tests.platform.conftest import House, all_attempts, send

SILVER = dg.AssetKey(["silver", "case_events"])


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, object]:
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_new_offsets_become_one_run_that_fills_three_assets(house: House, control: ControlDb) -> None:
    send("--poison", "0.05")
    (request,) = house.tick("domain_events")
    result = house.run(request)
    assert result.success
    keys = {event.asset_key for event in result.get_asset_materialization_events()}
    assert keys == {SILVER, dg.AssetKey(["bronze", "case_events"]), dg.AssetKey(["bronze", "rejected_events"])}
    silver = metadata_of(result, SILVER)
    assert silver["records"] == silver["accepted"] + silver["duplicates"] + silver["rejected"]  # type: ignore[operator]
    assert "accepted" not in metadata_of(result, dg.AssetKey(["bronze", "rejected_events"]))
    assert house.tick("domain_events") == []
    assert all_attempts(control) == [("silver/case_events", 1, "SUCCEEDED")]
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert checks["no_lost_offsets"]
    assert checks["epochs_accepted"]
    assert not checks["ingest_caught_up"], "the totals are not read yet"


def test_a_request_that_was_lost_is_made_again_under_the_same_key(house: House, control: ControlDb) -> None:
    send()
    (first,) = house.tick("domain_events")
    (again,) = house.tick("domain_events")
    assert again.run_key == first.run_key
    assert all_attempts(control) == [("silver/case_events", 1, "REQUESTED")]


def test_a_run_that_ended_before_its_attempt_began_is_replaced_by_the_next_attempt(
    house: House, control: ControlDb
) -> None:
    send()
    (request,) = house.tick("domain_events")
    assert request.job_name is not None
    run = house.instance.create_run_for_job(house.defs.resolve_job_def(request.job_name), tags=dict(request.tags))
    house.instance.report_run_failed(run)
    assert house.tick("domain_events") == []
    assert all_attempts(control) == [("silver/case_events", 1, "LAUNCH_FAILED")]
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set not_before = now()")
    (second,) = house.tick("domain_events")
    assert second.tags[ATTEMPT_TAG] == "2"
    assert house.run(second).success


def test_a_run_whose_attempt_is_over_does_nothing_and_says_so(house: House, control: ControlDb) -> None:
    send()
    (request,) = house.tick("domain_events")
    assert house.run(request).success
    repeated = house.run(request)
    assert repeated.success
    assert repeated.get_asset_materialization_events() == []
    assert "SUCCEEDED" in house.run_tags(repeated)[DEFERRED_TAG]
    assert all_attempts(control) == [("silver/case_events", 1, "SUCCEEDED")]


def test_a_launch_by_hand_takes_the_same_road(house: House, control: ControlDb) -> None:
    send()
    launched = house.launch("ingest_case_events")
    assert launched.success
    assert house.run_tags(launched)[RUN_ID_TAG]
    rows = control.rows("select requested_by from run_attempt")
    assert [row["requested_by"] for row in rows] == ["dagster-ui"]
    nothing = house.launch("ingest_case_events")
    assert not nothing.success
    assert "every offset is read" in str(nothing.filter_events(lambda event: event.is_step_failure))


def test_the_topic_is_observed_once_for_each_run(house: House) -> None:
    send()
    sensor = house.defs.get_sensor_def("domain_events")
    context = dg.build_sensor_context(instance=house.instance, resources={"platform": house.resource})
    first = sensor.evaluate_tick(context)
    (seen,) = first.asset_events
    assert seen.asset_key == dg.AssetKey(["kafka", "case_events"])
    assert int(str(seen.metadata["lag"].value)) > 0
    later = dg.build_sensor_context(
        instance=house.instance, resources={"platform": house.resource}, cursor=first.cursor
    )
    assert sensor.evaluate_tick(later).asset_events == []
