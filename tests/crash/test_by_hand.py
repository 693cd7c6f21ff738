"""Fail points of what people ask for, and of the steps that no undisturbed story has: die, ask again, all is well."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from uuid import uuid4

import dagster as dg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from casegold.control import installation
from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.control.model import Attempt, RunState
from casegold.control.runs import attempt_results, attempts
from casegold.domain.errors import Deferred, Refused
from casegold.jobs import registry
from casegold.jobs.batch_job import execute
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import domain_tick, launch_failed
from sensors.launches import requests
from tests.crash.restarts import forked, one_command
from tests.ingest.events import event, put
from tests.ingest.register import EVENTS, TOTALS, next_attempt, read, send_totals, totals_of
from tests.sampling.choose import ENDS

FIRST = date(2026, 3, 1)
PASSWORD = "correct horse battery"


@pytest.fixture
def platform(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """An open installation; logins that a test makes, which belong to the whole server, end with it."""
    opened = open_platform(settings)
    installation.set_business_clock(opened.control, "2026-03-04T00:00:00Z", "test")
    with monkeypatch.context() as environment:
        environment.setenv("CASEGOLD_PERSON", "nobody")
        environment.setenv("CASEGOLD_PERSON_PASSWORD", PASSWORD)
        yield opened
    for row in opened.control.rows("select login from person_login where removed_at is null"):
        people.remove(ControlDb(opened.settings.owner_url()), row["login"])


def the_clock(_: Platform) -> list[str]:
    return ["clock", "fix", "2012-01-24T00:00:00Z", "--reason", "an old log"]


def an_overdue_date(platform: Platform) -> list[str]:
    assert next_attempt(platform, EVENTS) is None
    send_totals(platform, totals_of([FIRST])[:3])
    read(platform, TOTALS)
    return ["days", "close", FIRST.isoformat(), "--reason", "the source is gone"]


def a_failed_run(platform: Platform) -> list[str]:
    put(platform, 0, [event("e1")])
    attempt = next_attempt(platform, EVENTS)
    assert attempt is not None
    with platform.control.write("by a test") as connection:
        connection.execute("update run_attempt set state = 'LAUNCH_FAILED', ended_at = now()")
        attempt_results.end_manifest(connection, attempt.run_id, RunState.FAILED, {})
    return ["retry", attempt.run_id, "--reason", "the cause is gone"]


def a_waiting_run(platform: Platform) -> list[str]:
    put(platform, 0, [event("e1")])
    attempt = next_attempt(platform, EVENTS)
    assert attempt is not None
    return ["cancel", attempt.run_id, "--reason", "too early"]


def a_recreated_topic(platform: Platform) -> list[str]:
    put(platform, 0, [event("e1")])
    read(platform, EVENTS)
    admin, topic = AdminClient({**platform.kafka_config}), platform.settings.events_topic
    for done in admin.delete_topics([topic]).values():
        done.result()
    for done in admin.create_topics([NewTopic(topic, 3, 1)]).values():
        done.result()
    return ["source", "accept-epoch", topic, "--reason", "moved"]


def a_lost_announcement(platform: Platform) -> list[str]:
    with platform.control.write("by a test") as connection:
        connection.execute(
            "with sent as (insert into outbox (id, aggregatetype, aggregateid, type, payload)"
            " values (gen_random_uuid(), 'dataset', 'd', 't', '{}') returning id)"
            " insert into outbox_delivery select id, 'outbox.event.dataset', 0, 41 from sent"
        )
    return ["relay", "--again", "outbox.event.dataset"]


def deleted_records(platform: Platform) -> list[str]:
    put(platform, 0, [event(f"e{number}") for number in range(4)])
    assert next_attempt(platform, EVENTS) is not None
    admin, topic = AdminClient({**platform.kafka_config}), platform.settings.events_topic
    for done in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        done.result()
    return ["source", "accept-loss", topic, "--reason", "retention was too short"]


def new_login() -> str:
    return f"dee_{uuid4().hex[:8]}"


def a_colleague(_: Platform) -> list[str]:
    return ["user", "add", new_login(), "--role", "casegold_operator"]


def a_leaver(platform: Platform) -> list[str]:
    login = new_login()
    people.add(ControlDb(platform.settings.owner_url()), login, "casegold_operator", "dee", PASSWORD)
    return ["user", "remove", login]


def a_request(platform: Platform) -> list[str]:
    login = new_login()
    people.add(ControlDb(platform.settings.owner_url()), login, "casegold_operator", "dee", PASSWORD)
    os.environ["CASEGOLD_PERSON"], os.environ["CASEGOLD_PERSON_PASSWORD"] = login, PASSWORD
    return ["backfill", "request", "gold/case_daily_snapshot", "2026-01-01", "2026-01-31", "--reason", "wrong levels"]


def a_new_server(_: Platform) -> list[str]:
    return ["up"]


def an_empty_register(platform: Platform) -> list[str]:
    platform.lake.table("gold/case_daily_snapshot")
    return ["reconcile"]


COMMANDS: dict[str, tuple[Callable[[Platform], list[str]], str]] = {
    "clock-set": (the_clock, "select value as done from setting where key = 'business_clock'"),
    "day-close-by-hand": (an_overdue_date, "select business_date as done from day_close"),
    "run-retry": (a_failed_run, "select state as done from run_manifest"),
    "run-cancel": (
        a_waiting_run,
        "select m.state as done, a.state, decision from run_manifest m join run_attempt a using (run_id)"
        " left join run_decision using (run_id)",
    ),
    "epoch-accept": (
        a_recreated_topic,
        "select epoch as done from source_epoch where topic like '%events.v2' order by 1",
    ),
    "relay-again": (a_lost_announcement, "select count(*) as done from outbox_delivery"),
    "loss-accept": (deleted_records, "select start_offset as done from source_loss"),
    "person-add": (a_colleague, "select login as done from person_login"),
    "person-remove": (a_leaver, "select removed_at is not null as done from person_login"),
    "person-step": (a_request, "select state as done from backfill_request"),
    "reconcile-mark": (an_empty_register, "select count(*) > 0 as done from reconciliation"),
    "rules": (a_new_server, "select count(*) as done from approval_rule"),
    "schemas": (a_new_server, "select count(*) as done from information_schema.tables where table_schema = 'casegold'"),
}
"""Effect -> what makes it possible and the command, and what to look at."""

STEPS = (
    "launch-failed",
    "attempt-defer",
    "attempt-lose",
    "run-request",
    "backfill-step",
    "republish-ask",
    "pin-release",
)
"""Effects that have a test of their own: below, and in tests/history/test_crashes.py those on history."""


@pytest.mark.sampled
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("effect", COMMANDS)
def test_a_command_that_dies_is_given_again(platform: Platform, effect: str, end: str) -> None:
    prepare, look = COMMANDS[effect]
    arguments = prepare(platform)
    before = platform.control.rows(look)
    assert one_command(arguments, f"{effect}.{end}").fired
    after = platform.control.rows(look)
    if end.startswith("before"):
        assert after == before
        assert one_command(arguments).finished
        after = platform.control.rows(look)
        assert effect in {"schemas", "rules"} or after != before
    one_command(arguments)  # refused or done once more: what it was to do is done all the same
    assert platform.control.rows(look) == after


@pytest.mark.sampled("launch-failed")
@pytest.mark.parametrize("end", ENDS)
def test_a_failed_launch_is_recorded_again(platform: Platform, end: str) -> None:
    put(platform, 0, [event("e1")])
    (attempt,) = domain_tick(platform, EVENTS)
    assert forked(_launch_failed, (attempt.run_id, attempt.attempt), f"launch-failed.{end}").fired
    forked(_launch_failed, (attempt.run_id, attempt.attempt), "")
    rows = platform.control.rows("select attempt, state from run_attempt")
    assert rows == [{"attempt": 1, "state": "LAUNCH_FAILED"}]


def _launch_failed(run_id: str, attempt: int) -> bool:
    return launch_failed(open_platform(), run_id, attempt, "the launcher is gone")


@pytest.mark.sampled("attempt-defer")
@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_dies_while_it_gives_way_is_taken_over(platform: Platform, end: str) -> None:
    put(platform, 0, [event("e1")])
    attempt = next_attempt(platform, EVENTS)
    assert attempt is not None
    assert forked(_give_way, (attempt.run_id, attempt.attempt), f"attempt-defer.{end}").fired
    with platform.control.write("by a test") as connection:
        connection.execute("update dataset_claim set heartbeat_at = heartbeat_at - interval '1 hour'")
        connection.execute("update run_attempt set heartbeat_at = heartbeat_at - interval '1 hour'")
        attempts.reap(connection)
    read(platform, EVENTS)
    states = platform.control.rows("select state from run_attempt order by attempt")
    given_way = "LOST" if end.startswith("before") else "DEFERRED"
    assert [row["state"] for row in states] == [given_way, "SUCCEEDED"]


def _give_way(run_id: str, attempt: int) -> bool:
    def give_way(*_: object) -> None:
        raise Deferred("for a test")

    registry.job_of = lambda _: give_way  # type: ignore[assignment,return-value]
    try:
        execute(open_platform(), run_id, attempt, "test")
    except Deferred:
        return True
    return False


@pytest.mark.sampled("attempt-lose")
@pytest.mark.parametrize("end", ENDS)
def test_a_death_that_a_launcher_saw_is_recorded_again(platform: Platform, end: str) -> None:
    put(platform, 0, [event("e1")])
    attempt = next_attempt(platform, EVENTS)
    assert attempt is not None
    attempts.start(platform.control, attempt.run_id, attempt.attempt, "test")
    assert forked(_lose, (attempt.run_id, attempt.attempt), f"attempt-lose.{end}").fired
    forked(_lose, (attempt.run_id, attempt.attempt), "")
    rows = platform.control.rows("select attempt, state, exit_class from run_attempt")
    assert rows == [{"attempt": 1, "state": "LOST", "exit_class": 20}]
    assert platform.control.rows("select from dataset_claim") == []


def _lose(run_id: str, attempt: int) -> bool:
    return attempts.lose(open_platform().control, run_id, attempt, "killed") is not None


@pytest.mark.sampled("run-request")
@pytest.mark.parametrize("end", ["before:kill", "after:kill"])
def test_a_request_to_dagster_that_was_lost_is_made_again(platform: Platform, end: str) -> None:
    put(platform, 0, [event("e1")])
    asked = domain_tick(platform, EVENTS)
    assert forked(_request, (asked,), f"run-request.{end}").fired
    assert domain_tick(platform, EVENTS) == asked
    with dg.DagsterInstance.ephemeral() as instance:
        assert [request.run_key for request in requests(instance, platform, asked)] == [asked[0].run_key]


def _request(asked: list[Attempt]) -> bool:
    with dg.DagsterInstance.ephemeral() as instance:
        return len(list(requests(instance, open_platform(), asked))) == 1


@pytest.mark.sampled("backfill-step")
@pytest.mark.parametrize("end", ENDS)
def test_a_backfill_is_begun_once(platform: Platform, end: str) -> None:
    """Its approvals are tests/approvals' business: here the platform is refused to begin, which is a step, too."""
    assert forked(_begin, ("bf_none",), f"backfill-step.{end}").fired
    steps = platform.control.rows("select step from backfill_audit")
    assert [row["step"] for row in steps] == ([] if end.startswith("before") else ["REFUSED"])


def _begin(request: str) -> bool:
    try:
        approvals.begin(open_platform().control, request, "0" * 64)
    except Refused:
        return True
    return False
