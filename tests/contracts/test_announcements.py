"""What casegold sends over Kafka is what the AsyncAPI document says, and a request that fits it is taken."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from confluent_kafka import Message

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar
from casegold.reference.asyncapi import document
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import backfill_requests_tick
from casegold.sink.relay import relay_once
from casegold.source.producer import RecordSender
from tests.contracts.test_asyncapi import complaints, message
from tests.e2e.installation import SNAPSHOT, Installation, command, operator_and_steward
from tests.source.test_load_commands import received

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, WRONG, LAST = date(2024, 2, 26), date(2024, 2, 28), date(2024, 2, 29)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def logins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    with operator_and_steward(ControlDb(settings.owner_url()), monkeypatch) as both:
        yield both


def _ask_on_kafka(installation: Installation) -> None:
    """A request in the words of the document."""
    headers = {"ce_id": "r1", "ce_source": "urn:test:other", "ce_type": "BackfillRequested"}
    body = {"datasetId": SNAPSHOT, "partitionFrom": str(FIRST), "partitionTo": str(FIRST), "reason": "wrong levels"}
    place = message("backfillRequests", "backfillRequest")
    assert complaints(f"{place}/headers", headers) == []
    assert complaints(f"{place}/payload", body) == []
    platform = installation.platform
    with RecordSender(platform.kafka_config) as sender:
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        sender.send(platform.settings.backfill_requests_topic, None, json.dumps(body).encode(), pairs)
    assert backfill_requests_tick(platform).asked == 1


def _headers(sent: Message) -> dict[str, str]:
    found = {}
    headers = sent.headers() or []
    assert isinstance(headers, list)
    for name, value in headers:
        found[name] = value.decode() if isinstance(value, bytes) else str(value)
    return found


def _name_of(channel: dict[str, Any], kind: str) -> str:
    """The message of a channel that has events of a type."""
    schemas = document()["components"]["schemas"]
    for name in channel["messages"]:
        of_type = schemas[name]["properties"]["eventType"]
        if kind in (of_type.get("enum") or [of_type["const"]]):
            return str(name)
    raise AssertionError(f"{kind} is not in the document")


def test_everything_that_is_announced_is_in_the_document(settings: Settings, logins: tuple[str, str]) -> None:
    operator, steward = logins
    shape = ("--cases", 30, "--days", 4, "--seed", 4, "--until", LAST, "--duplicates", 0, "--out-of-order", 0)
    command("simulate", *shape, "--totals-error", WRONG, "--poison", 0.1)
    installation = Installation(settings)
    installation.work()
    reason = ("--reason", "the source lost a record", "--as", operator)
    command("waiver", "request", SNAPSHOT, "completeness", WRONG, *reason)
    command("waiver", "approve", 1, "--as", steward)
    installation.work()
    assert installation.published(SNAPSHOT)[-1] == LAST
    _ask_on_kafka(installation)
    (request,) = installation.platform.control.rows("select backfill_run_id from backfill_request")
    command("backfill", "plan", request["backfill_run_id"], "--as", operator)
    command("backfill", "reject", request["backfill_run_id"], "--reason", "no need", "--as", steward)
    while relay_once(installation.platform.control, settings.kafka_config(), settings.outbox_topic_prefix):
        pass
    kinds = defaultdict(set)
    for name, channel in document()["channels"].items():
        if name not in {"datasets", "backfills"}:
            continue
        for sent in received(settings, f"{settings.outbox_topic_prefix}{channel['address'].rpartition('.')[2]}"):
            headers, body = _headers(sent), json.loads(sent.value() or b"")
            place = message(name, _name_of(channel, body["eventType"]))
            assert complaints(f"{place}/headers", headers) == []
            assert complaints(f"{place}/payload", body) == []
            assert headers["ce_type"] == body["eventType"]
            kinds[name].add(body["eventType"])
    assert kinds["datasets"] == {"DatasetVersionPublished", "QualityViolationDetected"}
    steps = {"BackfillRequested", "BackfillPlanned", "BackfillRejected"}
    assert kinds["backfills"] == {*steps, "WaiverRequested", "WaiverApproved"}
    letters = received(settings, settings.events_dlq_topic)
    assert letters
    for letter in letters:
        assert complaints(f"{message('caseEventDeadLetters', 'deadLetter')}/headers", _headers(letter)) == []
