"""The relay: sends outbox rows to Kafka, at least once, in order within each aggregate. Debezium can take its place.

Each row is recorded as delivered by itself. A position ("sent up to N") would lose rows: Postgres hands out sequence
numbers before transactions commit, so a lower number can become visible after a higher one was sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Message, Producer

from casegold.domain.errors import SourceUnavailable
from casegold.domain.sql import load
from casegold.manifest.db import Connection, ControlDb

SQL = "casegold.manifest.sql"
BATCH = 500
FLUSH_SECONDS = 30.0
SOURCE = "urn:casegold:platform"


@dataclass
class _Batch:
    """What became of the rows of one batch: place on Kafka, or the aggregates that have to wait."""

    delivered: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def callback(self, row: dict[str, Any]) -> Callable[[Any, Message], None]:
        def delivered(error: Any, message: Message) -> None:
            if error is not None:
                self.failed[str(row["id"])] = str(error)
                return
            place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
            self.delivered.append({"id": row["id"], **place})

        return delivered


def relay_once(control: ControlDb, kafka: dict[str, Any], topic_prefix: str) -> int:
    """Send what is not delivered yet, one batch; the number of rows delivered.

    One relay works at a time: another one waits for the lock of its transaction. A crash between Kafka's
    acknowledgement and the commit sends the batch again, under the same event ids.

    Raises:
        SourceUnavailable: some rows did not get through; those that did are recorded.
    """
    with control.transaction() as connection:
        connection.execute(load(SQL, "outbox_lock"))
        rows = connection.execute(load(SQL, "outbox_undelivered"), {"limit": BATCH}).fetchall()
        if not rows:
            return 0
        batch = _send(kafka, topic_prefix, rows)
        _record(connection, batch)
    if batch.failed or len(batch.delivered) < len(rows):
        raise SourceUnavailable(
            f"{len(rows) - len(batch.delivered)} of {len(rows)} outbox rows were not delivered: "
            f"{next(iter(batch.failed.values()), 'no answer in time')}",
            remedy="they stay in the outbox and are sent at the next try; `casegold status` shows the broker",
        )
    return len(batch.delivered)


def relay_forever(control: ControlDb, kafka: dict[str, Any], topic_prefix: str, say: Callable[[str], None]) -> None:
    """Relay until the process ends; an unreachable server is told and tried again after a pause."""
    pause = 0.5
    while True:
        try:
            sent = relay_once(control, kafka, topic_prefix)
            pause = 0.5
            if sent:
                say(f"relayed {sent} events")
            if sent < BATCH:
                time.sleep(pause)
        except SourceUnavailable as error:
            say(error.message)
            time.sleep(pause)
            pause = min(30.0, pause * 2)


def _send(kafka: dict[str, Any], topic_prefix: str, rows: list[dict[str, Any]]) -> _Batch:
    """Hand all rows to an idempotent producer, which keeps their order within a partition also over its retries."""
    producer = Producer({**kafka, "enable.idempotence": True, "acks": "all", "delivery.timeout.ms": 20_000})
    batch = _Batch()
    for row in rows:
        try:
            producer.produce(
                topic_prefix + row["aggregatetype"],
                key=row["aggregateid"],
                value=json.dumps(row["payload"]),
                headers=_headers(row),
                on_delivery=batch.callback(row),
            )
        except (KafkaException, BufferError) as error:
            batch.failed[str(row["id"])] = str(error)
            break  # nothing after a row that could not even be queued
        producer.poll(0)
    producer.flush(FLUSH_SECONDS)
    return batch


def _headers(row: dict[str, Any]) -> list[tuple[str, str | bytes | None]]:
    texts = {
        "id": str(row["id"]),
        "eventType": row["type"],
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_type": row["type"],
        "ce_source": SOURCE,
        "ce_subject": row["aggregateid"],
        "ce_time": row["created_at"].isoformat(),
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in texts.items()]


def _record(connection: Connection, batch: _Batch) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(load(SQL, "outbox_delivered"), batch.delivered)
