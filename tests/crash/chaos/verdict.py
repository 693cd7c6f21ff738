"""What must hold once faults have ended: everything due is published soon, and everything agrees without a hand."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from casegold.control.planning import planner
from casegold.control.planning.decisions import Due
from casegold.control.versions import official_state
from casegold.control.versions.provenance import published
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.errors import CasegoldError
from casegold.domain.sql import query
from casegold.operations import standing_checks
from casegold.runtime.platform import Platform
from casegold.runtime.settings import Settings
from casegold.source.kafka import describe_topic
from casegold.source.simulate import Plan
from platform_assets.build import OF_INGEST, OF_REGISTER
from tests.crash.chaos.feed import Feed
from tests.crash.final_state import final_state, messages
from tests.crash.test_random_kills import assert_nothing_lost_or_doubled
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

LIVENESS_SECONDS = 180.0
TOO_LATE = {"no_held_facts": 1, "no_waiting_requests": 1}
"""What standing checks count where a fact came too late: it, and the question to people about it."""

OPEN_RUNS = """
select m.dataset, left(m.run_id, 12) as run, a.attempt, a.state, a.not_before - now() as pause
from run_manifest m
left join lateral (select * from run_attempt a where a.run_id = m.run_id order by attempt desc limit 1) a on true
where m.state = 'OPEN'
"""


def wait_until_done(platform: Platform, plan: Plan, feed: Feed, pace: float) -> float:
    """Wait until nothing is due any more; how long that took.

    This is an invariant, not a speed test: after the last fault the platform comes to rest by itself.

    Args:
        pace: how many times slower than an idle machine this one is.
    """
    began = time.monotonic()
    while True:
        try:
            left = list(due(platform, plan, feed))
        except CasegoldError as error:
            left = [str(error)]
        seconds = time.monotonic() - began
        if not left:
            return seconds
        assert seconds < pace * LIVENESS_SECONDS, f"after {seconds:.0f} s there is still: {'; '.join(left)}"
        time.sleep(1)


def due(platform: Platform, plan: Plan, feed: Feed) -> Iterator[str]:
    """What is not done."""
    control = platform.control
    for look in standing_checks.look_at_topics(platform):
        if backlog := sum(place.backlog for place in look.places):
            yield f"{backlog} records of {look.topic} are not read"
    (row,) = control.rows(query("casegold.servers", "demo_progress"))
    if not row["closed"] == row["snapshots"] == plan.days or row["reports"] != 1:
        yield f"{row['closed']} of {plan.days} dates closed, {row['snapshots']} snapshots, {row['reports']} reports"
    with control.read() as connection:
        decisions = planner.decide(connection, platform.contracts, platform.transforms)
    yield from (f"{each.dataset} {each.partitions} is due: {each.why}" for each in decisions if isinstance(each, Due))
    for each in control.rows(OPEN_RUNS):
        yield f"run {each['run']} of {each['dataset']}: attempt {each['attempt']} is {each['state']}, {each['pause']}"
    if row["unannounced"]:
        yield f"{row['unannounced']} announcements to send"
    (heard,) = control.rows(
        "select coalesce(sum(position), 0)::int as events from source_position where consumer = 'publish_events'"
    )
    topic = f"{platform.settings.outbox_topic_prefix}dataset"
    if heard["events"] < sum(describe_topic(platform.kafka_config, topic).ends.values()):
        yield "announcements to hear"
    (asked,) = control.rows("select count(*) as requests from backfill_request")
    if asked["requests"] != (feed.held is not None):
        yield "the request about the fact that came too late"
    yield from not_shown(platform)
    yield from (f"Dagster run {each['run_id']} is {each['status']}" for each in open_runs(platform.settings))


DAGSTER_RUNS = """
select run_id, status,
       exists (select from run_tags t where t.run_id = r.run_id and t.key = 'casegold/deferred') as deferred
from runs r
"""


def open_runs(settings: Settings) -> list[dict[str, Any]]:
    return [each for each in dagster_runs(settings) if each["status"] not in {"SUCCESS", "FAILURE", "CANCELED"}]


def dagster_runs(settings: Settings) -> list[dict[str, Any]]:
    with psycopg.connect(settings.dagster_url(), row_factory=dict_row) as connection:
        return connection.execute(DAGSTER_RUNS).fetchall()


def assert_all_agrees(platform: Platform, plan: Plan, feed: Feed, calendar: BusinessCalendar) -> dict[str, int]:
    """Figures, ledger, announcements, Dagster's runs and standing checks; what was compared, for the report."""
    installation, control = Installation(platform.settings), platform.control
    facts = facts_of(feed.sent)
    ends = {day: calendar.end_of(day) for day in days(plan.first, plan.until)}
    rows = installation.rows(SNAPSHOT, plan.first, plan.until)
    assert rows == snapshots(facts, ends)
    assert_nothing_lost_or_doubled(installation, control, len(facts) + 1)  # and the one that came too late
    runs = assert_runs_agree(platform)
    for dataset in ("silver/case_events", SNAPSHOT, REPORT):
        command("maintain", dataset)  # as every night: it drops what dead runs staged
    final_state(platform)
    announced = assert_announced_in_order(platform)
    for dataset in (SNAPSHOT, REPORT):
        command("verify", dataset)
    command("reconcile")
    found = {each.question.name: each for each in standing_checks.answers(platform, (*OF_INGEST, *OF_REGISTER))}
    red = {name: (each.count, each.sample) for name, each in found.items() if each.count != TOO_LATE.get(name, 0)}
    assert red == {}, red
    assert control.rows("select run_id, decision from run_decision") == [], "a hand was needed"
    assert control.rows("select run_id, state from run_manifest where state in ('FAILED', 'CANCELLED', 'OPEN')") == []
    return {"snapshot rows": len(rows), "facts": len(facts), "announcements": announced, "Dagster runs": runs}


def assert_announced_in_order(platform: Platform) -> int:
    """Each completed version is on the topic; a consumer that drops what it has seen hears them in order."""
    heard: dict[str, dict[str, int]] = defaultdict(dict)
    for message in messages(platform, f"{platform.settings.outbox_topic_prefix}dataset"):
        event = json.loads(message.value() or b"{}")
        if event["eventType"] == "DatasetVersionPublished":
            number = int(event["datasetVersion"].rpartition("-")[2])
            heard[event["datasetId"]].setdefault(dict(message.headers() or [])["ce_id"].decode(), number)
    for dataset, numbers in heard.items():
        completed = platform.control.rows(
            "select version from dataset_version where dataset = %(dataset)s and state = 'COMPLETED' order by version",
            {"dataset": dataset},
        )
        assert list(numbers.values()) == [row["version"] for row in completed], dataset
    return sum(len(numbers) for numbers in heard.values())


STATUS_OF = {
    # A run may die once its attempt has succeeded: then another one tells Dagster, as `not_shown` asserts.
    "SUCCEEDED": {"SUCCESS", "FAILURE"},
    "FAILED": {"FAILURE"},
    # One that was taken for dead and wakes finds its attempt over, and ends as deferred.
    "LOST": {"FAILURE", "DEFERRED"},
    "DEFERRED": {"DEFERRED"},
}
"""What a Dagster run may be whose attempt ended so."""


def assert_runs_agree(platform: Platform) -> int:
    """Every Dagster run has ended, and as its attempt did."""
    runs = {row["run_id"]: "DEFERRED" if row["deferred"] else row["status"] for row in dagster_runs(platform.settings)}
    attempts = platform.control.rows(
        "select run_id, attempt, state, launcher_ref from run_attempt where started_at is not null"
    )
    differ = [
        (each, runs.get(each["launcher_ref"]))
        for each in attempts
        if runs.get(each["launcher_ref"]) not in STATUS_OF[each["state"]]
    ]
    assert differ == [], differ
    return len(runs)


SHOWN = """
select distinct on (e.partition) e.partition, t.value as digest
from event_logs e join asset_event_tags t on t.event_id = e.id and t.key = 'dagster/data_version'
where e.dagster_event_type = 'ASSET_MATERIALIZATION' and e.asset_key = %(key)s
order by e.partition, e.id desc
"""


def not_shown(platform: Platform) -> Iterator[str]:
    """Official partitions that Dagster shows in another version, or not at all."""
    for dataset in (SNAPSHOT, REPORT):
        with platform.control.read() as connection:
            keys = list(official_state.partition_states(connection, dataset, date.min, date.max))
        official = published(platform.control, dataset, keys)
        with psycopg.connect(platform.settings.dagster_url(), row_factory=dict_row) as connection:
            shown = {
                row["partition"]: row["digest"]
                for row in connection.execute(SHOWN, {"key": json.dumps(dataset.split("/"))}).fetchall()
            }
        for key, state in official.items():
            if shown.get(key.isoformat()) != state.digest:
                yield f"Dagster shows {dataset} {key} as {shown.get(key.isoformat())}, official is {state.digest}"
