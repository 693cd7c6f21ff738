"""Announcements: claimed once each, repetitions counted, nonsense set aside, the position as durable as the claim."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Producer

from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError
from casegold.runtime.settings import Settings
from casegold.sink.outbox import announce
from casegold.sink.relay import relay_once
from casegold.source.kafka import describe_topic
from casegold.stream.publish_events import Seen, claim_announcements


def topic_of(settings: Settings) -> str:
    return f"{settings.outbox_topic_prefix}dataset"


def look(settings: Settings, control: ControlDb) -> Seen:
    return claim_announcements(control, settings.kafka_config(), topic_of(settings), settings.events_dlq_topic)


def publish(
    settings: Settings, control: ControlDb, *versions: int, event_type: str = "DatasetVersionPublished"
) -> None:
    with control.write("by a test") as connection:
        for version in versions:
            announce(
                connection,
                aggregate_type="dataset",
                aggregate_id="gold/case_daily_snapshot",
                event_type=event_type,
                key=str(version),
                payload={"eventType": event_type, "datasetVersion": version},
            )
    relay_once(control, settings.kafka_config(), settings.outbox_topic_prefix)


def send(settings: Settings, *values: bytes) -> None:
    producer = Producer({**settings.kafka_config()})
    for value in values:
        producer.produce(topic_of(settings), value=value)
    producer.flush()


def ledger(control: ControlDb) -> list[dict[str, Any]]:
    return control.rows("select decision, duplicates from trigger_ledger order by kafka_offset")


def test_each_announcement_wakes_once(settings: Settings, control: ControlDb) -> None:
    publish(settings, control, 1, 2)
    publish(settings, control, 3, event_type="QualityViolationDetected")
    assert look(settings, control) == Seen(woke=2, ignored=1)
    assert look(settings, control) == Seen()
    assert [row["decision"] for row in ledger(control)] == ["WOKE_PLANNER", "WOKE_PLANNER", "IGNORED"]


def test_an_announcement_sent_twice_is_counted_where_it_was_claimed(settings: Settings, control: ControlDb) -> None:
    publish(settings, control, 1)
    look(settings, control)
    with control.write("by a test") as connection:
        connection.execute("delete from outbox_delivery")
    relay_once(control, settings.kafka_config(), settings.outbox_topic_prefix)
    assert look(settings, control) == Seen(duplicates=1)
    assert [row["duplicates"] for row in ledger(control)] == [1]


def test_what_is_no_announcement_is_set_aside_and_passed(settings: Settings, control: ControlDb) -> None:
    send(settings, b"\xff\x00", b"{}")
    publish(settings, control, 1)
    assert look(settings, control) == Seen(woke=1, undecodable=2)
    assert sum(describe_topic(settings.kafka_config(), settings.events_dlq_topic).ends.values()) == 2
    assert look(settings, control) == Seen()


def test_a_recreated_topic_stops_the_consumer(settings: Settings, control: ControlDb, owner: ControlDb) -> None:
    publish(settings, control, 1)
    look(settings, control)
    with owner.write("by a test") as connection:
        connection.execute("update source_epoch set topic_id = 'another'")
    with pytest.raises(ConfigurationError, match="recreated"):
        look(settings, control)
