"""Positions of each consumer on each topic and epoch, and the trigger ledger of events that were handled.

All queries that read or move a position, or claim an event in the trigger ledger, are here. Not here: what a changed
epoch means for ingest (`sources`), reading Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One incarnation of a topic: a topic that is deleted and recreated under the same name begins a new epoch."""

    topic: str
    epoch: int
    cluster_id: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset that a consumer will read of a partition, and the seconds since it last moved."""

    offset: int
    seconds_ago: float


def current_epoch(connection: Connection, topic: str) -> Epoch | None:
    """The current epoch of a topic; None if it was never read."""
    row = connection.execute(query(ROOM, "epoch_current"), {"topic": topic}).fetchone()
    return None if row is None else Epoch(topic, row["epoch"], row["cluster_id"], row["topic_id"])


def begin_epoch(connection: Connection, topic: str, cluster_id: str, topic_id: str) -> None:
    """Record epoch 1 of a topic that was never seen. A known topic stays as it is."""
    parameters = {"topic": topic, "cluster_id": cluster_id, "topic_id": topic_id}
    connection.execute(query(ROOM, "epoch_first"), parameters)


def positions(connection: Connection, consumer: str, topic: str, epoch: int) -> dict[int, Position]:
    """The stored positions of a consumer, by partition."""
    rows = connection.execute(query(ROOM, "positions"), {"consumer": consumer, "topic": topic, "epoch": epoch})
    return {row["kafka_partition"]: Position(row["position"], row["seconds_ago"]) for row in rows}


def advance(connection: Connection, consumer: str, topic: str, epoch: int, to: dict[int, int]) -> None:
    """Move a consumer to these offsets. A position never falls, so two readers of one batch do no harm."""
    place = {"consumer": consumer, "topic": topic, "epoch": epoch}
    with connection.cursor() as cursor:
        rows = [place | {"partition": partition, "position": offset} for partition, offset in sorted(to.items())]
        cursor.executemany(query(ROOM, "position_advance"), rows)


def claim_event(connection: Connection, event: dict[str, Any]) -> bool:
    """Record the decision on an event. False if the trigger ledger has the event; then its duplicate count rises.

    Args:
        event: `source, event_id, event_type, topic_id, partition, offset, decision`.
    """
    row = connection.execute(query(ROOM, "trigger_claim"), event).fetchone()
    return row is not None and bool(row["first"])
