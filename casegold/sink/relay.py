"""The relay: sends outbox rows to Kafka, at least once, in order within each aggregate. Debezium can replace it.

Each row is recorded as delivered individually. A position ("sent up to N") would lose rows: Postgres hands out sequence
numbers before transactions commit, so a lower number can become visible after a higher one was sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from confluent_kafka import KafkaException, Message, Producer

from casegold.control.db import Connection, ControlDb
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.domain.identity import PLATFORM_SOURCE
from casegold.domain.sql import query
from casegold.source.clients import Lent
from casegold.source.producer import idempotent_producer

ROOM = "casegold.sink"

HEAD_SEQUENCE, HEAD_DIGEST = "ce_auditsequence", "ce_audithead"
"""Headers with the audit trail's head: once it is on Kafka, access to the database is not enough to change it."""

BATCH = 500
FLUSH_SECONDS = 30.0
DELIVERY_MILLISECONDS = 20_000


Place = dict[str, Any]
"""Where a row is on Kafka: topic, partition, offset."""


@dataclass
class _Batch:
    """What became of the rows of one batch."""

    rows: list[dict[str, Any]]
    places: dict[UUID, Place] = field(default_factory=dict)
    failures: dict[UUID, str] = field(default_factory=dict)
    stopped: set[tuple[str, str]] = field(default_factory=set)
    """Aggregates with a failure: this batch sends no more of their rows."""

    def callback(self, row: dict[str, Any]) -> Callable[[Any, Message], None]:
        def delivered(error: Any, message: Message) -> None:
            if error is not None:
                self.fail(row, str(error))
                return
            self.places[row["id"]] = {
                "topic": message.topic(),
                "partition": message.partition(),
                "offset": message.offset(),
            }

        return delivered

    def fail(self, row: dict[str, Any], reason: str) -> None:
        self.failures[row["id"]] = reason
        self.stopped.add(_aggregate(row))

    def in_order(self) -> list[dict[str, Any]]:
        """The rows to record as delivered: of each aggregate, those before its first undelivered row.

        A row that was delivered after an undelivered one is sent again after it. Otherwise a consumer would never see
        the two in order.
        """
        done, waiting = [], set()
        for row in self.rows:
            place = self.places.get(row["id"])
            if place is None:
                waiting.add(_aggregate(row))
            elif _aggregate(row) not in waiting:
                done.append({"id": row["id"], **place})
        return done


def relay_once(control: ControlDb, kafka: dict[str, Any], topic_prefix: str) -> int:
    """Send one batch of undelivered rows. Return the number of rows delivered.

    Only one relay works at a time: another one waits for the lock of this transaction. After a crash between Kafka's
    acknowledgement and the commit, the batch is sent again, with the same event ids.

    Raises:
        SourceUnavailable: some rows were not delivered; those that were are recorded.
    """
    with control.write("relay-mark") as connection:
        connection.execute(query(ROOM, "outbox_lock"))
        rows = connection.execute(query(ROOM, "outbox_undelivered"), {"limit": BATCH}).fetchall()
        if not rows:
            return 0
        batch = _send(kafka, topic_prefix, rows)
        delivered = batch.in_order()
        _record(connection, delivered)
    if len(delivered) < len(rows):
        raise SourceUnavailable(
            f"{len(rows) - len(delivered)} of {len(rows)} outbox rows were not delivered: "
            f"{next(iter(batch.failures.values()), 'no answer in time')}",
            remedy="they stay in the outbox and are sent at the next try; `casegold status` shows the broker",
        )
    return len(delivered)


def forget_deliveries(control: ControlDb, topic: str) -> int:
    """Have everything sent again that was delivered to a topic, because the topic lost it. Return the number of events.

    Raises:
        ConfigurationError: nothing was ever delivered to this topic.
    """
    with control.write("relay-again") as connection:
        connection.execute(query(ROOM, "outbox_lock"))
        forgotten = connection.execute(query(ROOM, "outbox_forget"), {"topic": topic}).rowcount
    if not forgotten:
        raise ConfigurationError(f"nothing was ever delivered to {topic}", remedy="name a topic of the outbox")
    return forgotten


def relay_forever(control: ControlDb, kafka: dict[str, Any], topic_prefix: str, say: Callable[[str], None]) -> None:
    """Relay until the process ends. An unreachable server is reported and tried again with backoff."""
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
    """Send all rows with an idempotent producer, which keeps their order within a partition even when it retries."""
    batch = _Batch(rows)
    with idempotent_producer("relay", {"delivery.timeout.ms": DELIVERY_MILLISECONDS, **kafka}) as lent:
        for row in rows:
            if _aggregate(row) not in batch.stopped:
                _queue(lent, topic_prefix, row, batch)
        with durable("relay-send", SourceUnavailable):
            lent.client.flush(FLUSH_SECONDS)
        lent.keep = not batch.failures
    return batch


def _queue(lent: Lent[Producer], topic_prefix: str, row: dict[str, Any], batch: _Batch) -> None:
    try:
        lent.client.produce(
            topic_prefix + row["aggregatetype"],
            key=row["aggregateid"],
            value=json.dumps(row["payload"]),
            headers=_headers(row),
            on_delivery=batch.callback(row),
        )
    except (KafkaException, BufferError) as error:
        batch.fail(row, str(error))
    lent.client.poll(0)


def _aggregate(row: dict[str, Any]) -> tuple[str, str]:
    return row["aggregatetype"], row["aggregateid"]


def _headers(row: dict[str, Any]) -> list[tuple[str, str | bytes | None]]:
    texts = {
        "id": str(row["id"]),
        "eventType": row["type"],
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_type": row["type"],
        "ce_source": PLATFORM_SOURCE,
        "ce_subject": row["aggregateid"],
        "ce_time": row["created_at"].isoformat(),
        "content-type": "application/json",
    }
    if row["audit_sequence"] is not None:
        texts |= {HEAD_SEQUENCE: str(row["audit_sequence"]), HEAD_DIGEST: row["audit_digest"]}
    return [(name, text.encode()) for name, text in texts.items()]


def _record(connection: Connection, delivered: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "outbox_delivered"), delivered)
