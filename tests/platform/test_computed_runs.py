"""From closed days to published partitions through Dagster: what is materialised, what is held, what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from casegold.control.db import ControlDb
from casegold.jobs.views import engine
from resources.runs import DEFERRED_TAG, EXIT_CLASS_TAG
from tests.e2e.test_late_facts import evidence
from tests.e2e.test_late_facts import send as send_late
from tests.platform.conftest import LAST, House, all_attempts, send

SNAPSHOT = dg.AssetKey(["gold", "case_daily_snapshot"])
REPORT = dg.AssetKey(["reports", "enforcement_report"])
SENSORS = ("domain_events", "domain_totals", "day_close", "planner")
DAYS = [(LAST - timedelta(days=2 - day)).isoformat() for day in range(3)]


def range_tags(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def failure_of(result: dg.ExecuteInProcessResult) -> dg.DagsterEvent:
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    return event


def checks_of(house: House, partition: str) -> dict[str, str]:
    """The latest state of each of the snapshot's checks on a partition."""
    found = {}
    for name in ("completeness", "continuity", "unique_key"):
        history = house.instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(SNAPSHOT, name), limit=50
        )
        latest = next((each for each in history if each.partition == partition), None)
        found[name] = "NONE" if latest is None else latest.status.value
    return found


def test_closed_days_are_published_by_sensors_alone(house: House, control: ControlDb) -> None:
    send()
    results = house.until_quiet(*SENSORS)
    assert all(result.success for result in results)
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set(DAYS)
    events = [event for result in results for event in result.get_asset_materialization_events()]
    gold = {event.partition: event.materialization for event in events if event.asset_key == SNAPSHOT}
    assert list(gold) == DAYS
    for materialization in gold.values():
        assert int(str(materialization.metadata["dagster/row_count"].value)) > 0
        assert materialization.metadata["version"].value == 1
        assert "data:image/svg+xml" in str(materialization.metadata["figures"].value)
        assert materialization.tags is not None
        assert len(materialization.tags["dagster/data_version"]) == 32
    assert checks_of(house, DAYS[0]) == dict.fromkeys(("completeness", "continuity", "unique_key"), "SUCCEEDED")
    assert all_attempts(control)[-1] == ("gold/case_daily_snapshot", 1, "SUCCEEDED")


def stale(house: House, key: dg.AssetKey, partition: str) -> list[str]:
    """Why Dagster shows a partition as unsynced."""
    graph = house.defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(house.instance, graph, LoadingContextForTest(house.instance))
    return [cause.reason for cause in resolver.get_stale_causes(key, partition)]


def test_the_same_events_again_change_nothing(house: House, control: ControlDb) -> None:
    send()
    house.until_quiet(*SENSORS)
    send()
    house.until_quiet(*SENSORS)
    assert [row["version"] for row in control.rows("select version from dataset_version")] == [1]


def test_wrong_totals_hold_the_day_and_what_follows_until_corrected_ones_arrive(
    house: House, control: ControlDb
) -> None:
    send("--totals-error", DAYS[1])
    results = house.until_quiet(*SENSORS)
    (failed,) = [result for result in results if not result.success]
    assert house.run_tags(failed)[EXIT_CLASS_TAG] == "10"
    assert "completeness" in str(failure_of(failed))
    assert house.instance.get_materialized_partitions(SNAPSHOT) == {DAYS[0]}
    assert checks_of(house, DAYS[0])["completeness"] == "SUCCEEDED"
    assert checks_of(house, DAYS[1])["completeness"] == "FAILED"
    send("--totals-revision", "2")
    assert all(result.success for result in house.until_quiet(*SENSORS))
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set(DAYS)
    assert checks_of(house, DAYS[1])["completeness"] == "SUCCEEDED"
    assert control.rows("select from hold where released_at is null") == []


@pytest.mark.parametrize("wanted", [(DAYS[0], DAYS[0]), (DAYS[0], DAYS[1])])
def test_a_launch_by_hand_of_another_range_is_refused_and_told_the_due_one(
    house: House, wanted: tuple[str, str]
) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals")
    house.tick("day_close")
    house.tick("planner")
    refused = house.launch("compute_case_daily_snapshot", range_tags(*wanted))
    assert not refused.success
    assert house.run_tags(refused)[EXIT_CLASS_TAG] == "40"
    assert f"{DAYS[0]} to {DAYS[2]}" in str(failure_of(refused))
    told = failure_of(refused).step_failure_data
    assert told.error is not None and (told.error.stack, told.error.cause, told.error.context) == ([], None, None)
    assert told.user_failure_data is not None
    assert told.user_failure_data.metadata["exit class"].value == 40
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set()


def test_a_launch_by_hand_of_the_due_range_publishes_it(house: House, control: ControlDb) -> None:
    from casegold.jobs.day_close import close_days  # noqa: PLC0415

    send()
    house.until_quiet("domain_events", "domain_totals")
    close_days(house.platform)
    assert house.launch("compute_case_daily_snapshot", range_tags(DAYS[0], DAYS[2])).success
    assert house.instance.get_materialized_partitions(SNAPSHOT) == set(DAYS)
    rows = control.rows("select requested_by from run_attempt order by requested_at desc limit 1")
    assert rows[0]["requested_by"] == "dagster-ui"
    assert house.tick("planner") == []


def test_a_launch_by_hand_where_nothing_is_due_is_refused(house: House) -> None:
    refused = house.launch("compute_case_daily_snapshot", range_tags(DAYS[0], DAYS[0]))
    assert not refused.success
    assert "no date is closed yet" in str(failure_of(refused))


def test_a_run_that_finds_its_dataset_claimed_is_labelled_and_materialises_nothing(
    house: House, control: ControlDb
) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals")
    house.tick("day_close")
    (request,) = house.tick("planner")
    with control.write("by a test") as connection:
        connection.execute(
            "insert into dataset_claim (dataset, run_id, attempt, token)"
            " select 'gold/case_daily_snapshot', run_id, attempt, gen_random_uuid() from run_attempt limit 1"
        )
    deferred = house.run(request)
    assert deferred.success
    assert deferred.get_asset_materialization_events() == []
    assert "claimed" in house.run_tags(deferred)[DEFERRED_TAG]
    assert all_attempts(control)[-1] == ("gold/case_daily_snapshot", 1, "DEFERRED")


def test_a_month_is_reported_once_all_of_its_days_are_official(house: House) -> None:
    send("--days", "40", "--until", date(2026, 3, 3).isoformat())
    results = house.until_quiet(*SENSORS)
    assert all(result.success for result in results)
    assert house.instance.get_materialized_partitions(REPORT) == {"2026-01-01", "2026-02-01"}
    events = [event for result in results for event in result.get_asset_materialization_events()]
    report = next(event.materialization for event in events if event.asset_key == REPORT)
    assert "(/assets/gold/case_daily_snapshot?view=partitions" in str(report.metadata["made of"].value)
    assert "| open at end |" in str(report.metadata["figures"].value)
    assert any(name.endswith(".html") for name in report.metadata)


def test_a_partition_is_shown_as_unsynced_only_where_its_inputs_are_others(house: House) -> None:
    send("--days", "12", "--until", "2026-02-28")
    house.until_quiet(*SENSORS)
    month, day = "2026-02-01", "2026-02-26"
    assert house.instance.get_materialized_partitions(REPORT) == {month}
    assert (stale(house, SNAPSHOT, day), stale(house, REPORT, month)) == ([], [])
    with engine(house.platform) as connection:
        house.platform.lake.register(connection, "facts", "silver/case_events")
        (case_id,) = connection.table("facts").aggregate("min(case_id)").fetchall()[0]
    send_late(house.platform.settings, evidence("late-letter", case_id, date(2026, 2, 26)))
    house.until_quiet("domain_events")
    assert stale(house, SNAPSHOT, day) == [], "which dates a fact changes, the planner says"
    (restatement,) = house.tick("planner")
    house.run(restatement)
    assert stale(house, SNAPSHOT, day) == []
    assert set(stale(house, REPORT, month)) == {"has a new dependency data version"}
    house.until_quiet(*SENSORS)
    assert stale(house, REPORT, month) == []
