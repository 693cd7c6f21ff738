"""The relay against a real broker and outbox."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from casegold.control.db import ControlDb
from casegold.domain.errors import SourceUnavailable
from casegold.runtime.settings import Settings
from casegold.sink import relay
from casegold.sink.outbox import announce
from casegold.sink.relay import relay_once

TOO_LARGE = "x" * 2_000_000


class Stopped(Exception):
    """The relay's process died here."""


def _announce(control: ControlDb, aggregate: str, key: str, text: str = "") -> UUID:
    with control.write("by a test") as connection:
        return announce(
            connection,
            aggregate_type="dataset",
            aggregate_id=aggregate,
            event_type="DatasetVersionPublished",
            key=key,
            payload={"key": key, "text": text},
        )


def _relay(settings: Settings, control: ControlDb, **config: Any) -> int:
    return relay_once(control, {**settings.kafka_config(), **config}, settings.outbox_topic_prefix)


def _on_kafka(settings: Settings) -> list[Message]:
    """Every message of the topic; it has one partition."""
    consumer = Consumer({**settings.kafka_config(), "group.id": uuid4().hex, "enable.auto.commit": False})
    place = TopicPartition(f"{settings.outbox_topic_prefix}dataset", 0, 0)
    _, end = consumer.get_watermark_offsets(place, timeout=10)
    consumer.assign([place])
    found: list[Message] = []
    while len(found) < end:
        found += consumer.consume(end - len(found), timeout=10)
    consumer.close()
    return found


def _keys(messages: list[Message], aggregate: str) -> list[str]:
    return [json.loads(m.value() or b"")["key"] for m in messages if m.key() == aggregate.encode()]


def _ids(messages: list[Message]) -> list[str]:
    return [_header(message, "id") for message in messages]


def _header(message: Message, name: str) -> str:
    value = dict(message.headers() or [])[name]
    assert isinstance(value, bytes)
    return value.decode()


def _waiting(control: ControlDb) -> int:
    with control.write("by a test") as connection:
        sql = "select count(*) as n from outbox left join outbox_delivery d using (id) where d.id is null"
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row["n"])


def test_order_is_kept_in_each_aggregate_and_headers_name_the_event(settings: Settings, control: ControlDb) -> None:
    ids = [_announce(control, aggregate, key) for key in "123" for aggregate in ("gold/a", "gold/b")]
    assert _relay(settings, control) == 6
    assert _relay(settings, control) == 0
    messages = _on_kafka(settings)
    assert _keys(messages, "gold/a") == _keys(messages, "gold/b") == ["1", "2", "3"]
    assert set(_ids(messages)) == {str(each) for each in ids}
    assert _header(messages[0], "ce_id") == _header(messages[0], "id")
    assert _header(messages[0], "ce_type") == "DatasetVersionPublished"
    assert _header(messages[0], "ce_subject") == "gold/a"


def test_a_crash_after_the_acknowledgement_sends_the_same_ids_again(
    settings: Settings, control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(_announce(control, "gold/a", key)) for key in "12"]

    def stop(*_: Any) -> None:
        raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(relay, "_record", stop)
        _relay(settings, control)
    assert _waiting(control) == 2
    assert _relay(settings, control) == 2
    assert _ids(_on_kafka(settings)) == ids + ids


def test_a_row_that_fails_stops_its_aggregate_and_no_other(settings: Settings, control: ControlDb) -> None:
    _announce(control, "gold/a", "1")
    _announce(control, "gold/a", "2", TOO_LARGE)
    _announce(control, "gold/a", "3")
    _announce(control, "gold/b", "1")
    with pytest.raises(SourceUnavailable, match="2 of 4 outbox rows"):
        _relay(settings, control)
    messages = _on_kafka(settings)
    assert (_keys(messages, "gold/a"), _keys(messages, "gold/b")) == (["1"], ["1"])
    with suppress(SourceUnavailable):
        _relay(settings, control)
    assert (len(_on_kafka(settings)), _waiting(control)) == (2, 2)


def test_an_unreachable_broker_loses_nothing(settings: Settings, control: ControlDb) -> None:
    _announce(control, "gold/a", "1")
    dead = {"bootstrap.servers": "127.0.0.1:1", "delivery.timeout.ms": 1000}
    with pytest.raises(SourceUnavailable, match="1 of 1"):
        _relay(settings, control, **dead)
    assert _waiting(control) == 1
    assert _relay(settings, control) == 1
    assert _keys(_on_kafka(settings), "gold/a") == ["1"]
