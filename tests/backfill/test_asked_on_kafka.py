"""Other systems ask for backfills on Kafka: each event is a request once, and no approval of anything."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from confluent_kafka import Producer

from casegold.control.changes import approvals
from casegold.domain.errors import Refused
from casegold.scheduling.ticks import backfill_requests_tick
from casegold.stream.backfill_requests import Heard
from tests.backfill.conftest import LAST, Folk, state_of
from tests.crash.final_state import messages
from tests.crash.restarts import restart_until_done
from tests.e2e.installation import SNAPSHOT, Installation, command

SINCE = LAST - timedelta(days=4)
HEARD = ("backfill-hear",)
ENDS = ("before:kill", "after:kill", "after:lost_ack")


def send(installation: Installation, event_id: str, body: object, kind: str = "BackfillRequested") -> None:
    settings = installation.platform.settings
    headers: list[tuple[str, str | bytes | None]] = [("ce_id", event_id), ("ce_source", "urn:audit"), ("ce_type", kind)]
    producer = Producer({**settings.kafka_config()})
    producer.produce(settings.backfill_requests_topic, value=json.dumps(body).encode(), headers=headers)
    assert producer.flush(30) == 0


def wish(first: date = SINCE, last: date = LAST, dataset: str = SNAPSHOT) -> dict[str, str]:
    span = {"partitionFrom": first.isoformat(), "partitionTo": last.isoformat()}
    return {"datasetId": dataset, "reason": "finding 17", **span}


def test_an_event_is_a_request_that_people_decide_on(installation: Installation, folk: Folk) -> None:
    send(installation, "a1", wish())
    send(installation, "a1", wish())
    send(installation, "a2", wish())
    assert backfill_requests_tick(installation.platform) == Heard(asked=1, covered=1, duplicates=1)
    assert backfill_requests_tick(installation.platform) == Heard()
    request = folk.open_request()
    found = approvals.find(installation.platform.control, request)
    assert (found.state, found.requested_person) == ("REQUESTED", None)
    assert found.reason == "urn:audit asked by event a1: finding 17"
    with pytest.raises(Refused):
        command("backfill", "approve", request, "--digest", "0" * 64, "--as", folk.bob)
    folk.begin(request)
    installation.work()
    assert state_of(installation, request) == "COMPLETED"
    send(installation, "a1", wish())
    assert backfill_requests_tick(installation.platform) == Heard(duplicates=1), "a repetition, whatever became of it"


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (wish(), "CaseOpened", "ce_type is 'CaseOpened'"),
        ("text", "BackfillRequested", "Expected `object`"),
        (wish() | {"reason": ""}, "BackfillRequested", "$.reason"),
        (wish() | {"partitionFrom": "yesterday"}, "BackfillRequested", "$.partitionFrom"),
        (wish(LAST, SINCE), "BackfillRequested", "lies before partitionFrom"),
        (wish(dataset="gold/nothing"), "BackfillRequested", "gold/nothing"),
        (wish(dataset="silver/case_events"), "BackfillRequested", "silver/case_events"),
    ],
)
def test_what_is_no_request_is_set_aside_with_the_reason(
    installation: Installation, body: object, kind: str, why: str
) -> None:
    send(installation, "b1", body, kind)
    assert backfill_requests_tick(installation.platform) == Heard(refused=1)
    (letter,) = messages(installation.platform, installation.platform.settings.events_dlq_topic)
    headers = {name: (value or b"").decode() for name, value in letter.headers()}
    assert why in headers["__connect.errors.exception.message"]
    assert json.loads(letter.value()) == body
    assert approvals.requests(installation.platform.control, 10) == []


@pytest.mark.sampled("backfill-hear")
def test_a_death_while_hearing_asks_once(installation: Installation) -> None:
    for number, end in enumerate(ENDS):
        first = SINCE + timedelta(days=number)
        send(installation, f"c{number}", wish(first, first))
        restart_until_done(installation.platform.control, [f"backfill-hear.{end}"])
        assert len(approvals.requests(installation.platform.control, 10)) == number + 1
