"""Case events of a test, in the shortest words, and what the control database says after they were read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
from confluent_kafka import Producer

from casegold.domain.events import (
    DEFAULT_SOURCE,
    CaseClosed,
    CaseCorrected,
    CaseEvent,
    CorrectionAction,
    EventType,
    Payload,
    Replacement,
    ReplacementData,
)
from casegold.domain.payload import payload_json
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.runtime.platform import Platform
from casegold.source.codec import Encoded, Encoding, encode
from casegold.source.producer import RecordSender
from tests.ingest.register import rows

DAY = date(2026, 3, 10)


def event(
    event_id: str, day: date = DAY, *, case: str = "c1", says: str = "done", data: Payload | None = None
) -> CaseEvent:
    """A closing of a case at noon of a date, or what `data` says."""
    payload = data or CaseClosed(says)
    noon = datetime.combine(day, time(12), UTC)
    return CaseEvent(
        source=DEFAULT_SOURCE,
        id=event_id,
        type=EventType(type(payload).__name__),
        case_id=case,
        occurred_at=noon,
        emitted_at=noon,
        data=payload,
        data_json=payload_json(payload),
    )


def correction(event_id: str, target: str, day: date = DAY, *, to: date | None = None, case: str = "c1") -> CaseEvent:
    """Takes an event back, or moves it to another date."""
    if to is None:
        return event(event_id, day, case=case, data=CaseCorrected(target, CorrectionAction.RETRACT, "wrong"))
    moved = Replacement(datetime.combine(to, time(9), UTC), ReplacementData(reason="done"))
    return event(event_id, day, case=case, data=CaseCorrected(target, CorrectionAction.REPLACE, "moved", moved))


def record_of(of: CaseEvent, encoding: Encoding = Encoding.STRUCTURED) -> Encoded:
    return encode(of, encoding, default_source=DEFAULT_SOURCE)


def retyped(of: CaseEvent, **changed: object) -> Encoded:
    """The record of an event with some attributes of its envelope changed."""
    record = record_of(of)
    assert record.value is not None
    return msgspec.structs.replace(record, value=msgspec.json.encode(msgspec.json.decode(record.value) | changed))


def send_events(platform: Platform, events: Iterable[CaseEvent | Encoded]) -> None:
    with RecordSender(platform.kafka_config) as sender:
        for each in events:
            record = record_of(each) if isinstance(each, CaseEvent) else each
            sender.send(platform.settings.events_topic, record.key, record.value, record.headers)


def put(platform: Platform, partition: int, events: Iterable[CaseEvent | Encoded]) -> None:
    """Send to one partition, whatever the key."""
    producer = Producer(platform.kafka_config)
    for each in events:
        record = record_of(each) if isinstance(each, CaseEvent) else each
        producer.produce(platform.settings.events_topic, record.value, record.key, partition)
    assert producer.flush(30) == 0


def transactional(platform: Platform, name: str) -> Producer:
    producer = Producer({**platform.kafka_config, "transactional.id": f"{platform.settings.events_topic}.{name}"})
    producer.init_transactions(30)
    return producer


def silver(platform: Platform) -> dict[str, dict[str, Any]]:
    """Accepted facts by event id; each is there once."""
    found = rows(platform, SILVER)
    by_id = {row["event_id"]: row for row in found}
    assert len(by_id) == len(found)
    return by_id


def dirty_dates(platform: Platform) -> dict[str, date]:
    return {event_id: row["dirty_from"] for event_id, row in silver(platform).items()}


def commits(platform: Platform) -> list[dict[str, Any]]:
    return platform.control.rows("select * from ingest_commit where dataset = 'silver/case_events' order by seq")


def assert_accounted(platform: Platform) -> None:
    """Every offset is a record, no record or lost; every record is accepted, a duplicate, a conflict or rejected."""
    bronze, refused = rows(platform, BRONZE), rows(platform, REJECTED)
    facts = list(silver(platform).values())

    def places(found: list[dict[str, Any]], seq: int) -> set[tuple[int, int]]:
        chosen = [(row["kafka_partition"], row["kafka_offset"]) for row in found if row["ingest_seq"] == seq]
        assert len(set(chosen)) == len(chosen)
        return set(chosen)

    for commit in commits(platform):
        seq = commit["seq"]
        received, accepted, rejected = places(bronze, seq), places(facts, seq), places(refused, seq)
        assert accepted | rejected <= received
        assert not accepted & rejected
        assert len(received) == commit["records"]
        assert len(accepted) == commit["accepted"]
        assert len(rejected) == commit["rejected"] + commit["conflicts"]
        assert len(received) - len(accepted) - len(rejected) == commit["duplicates"]
    ranges = platform.control.rows("select * from ingest_source_range where dataset = 'silver/case_events'")
    assert sum(each["records"] for each in ranges) == len(bronze)
    positions = platform.control.rows(
        "select kafka_partition, max(position) as position from source_position p"
        " join (select topic, max(epoch) as epoch from source_epoch group by topic) e using (topic, epoch)"
        " where consumer = 'silver/case_events' group by 1"
    )
    ends = {
        each["kafka_partition"]: each["end_offset"]
        for each in sorted(ranges, key=lambda r: (r["epoch"], r["end_offset"]))
    }
    assert all(ends.get(each["kafka_partition"], each["position"]) == each["position"] for each in positions)
