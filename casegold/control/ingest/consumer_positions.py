"""How far each consumer has read each topic, in which epoch of it, and which events were claimed on the way.

Every statement that reads or moves a position, or claims an event in the trigger ledger, stands here. Not here: what an
epoch that changed means to ingest (`sources`), and reading Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One incarnation of a topic: a topic that is deleted and made again is another one under the same name."""

    topic: str
    epoch: int
    cluster_id: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset that a consumer reads of a partition, and how many seconds ago it last moved."""

    offset: int
    seconds_ago: float


def current_epoch(connection: Connection, topic: str) -> Epoch | None:
    """The epoch of a topic that is being read; None before anybody looked at it."""
    row = connection.execute(query(ROOM, "epoch_current"), {"topic": topic}).fetchone()
    return None if row is None else Epoch(topic, row["epoch"], row["cluster_id"], row["topic_id"])


def begin_epoch(connection: Connection, topic: str, cluster_id: str, topic_id: str) -> None:
    """Take a topic that was never seen as found: its epoch 1. Nothing happens for a known one."""
    parameters = {"topic": topic, "cluster_id": cluster_id, "topic_id": topic_id}
    connection.execute(query(ROOM, "epoch_first"), parameters)


def positions(connection: Connection, consumer: str, topic: str, epoch: int) -> dict[int, Position]:
    """The stored positions of a consumer by partition."""
    rows = connection.execute(query(ROOM, "positions"), {"consumer": consumer, "topic": topic, "epoch": epoch})
    return {row["kafka_partition"]: Position(row["position"], row["seconds_ago"]) for row in rows}


def advance(connection: Connection, consumer: str, topic: str, epoch: int, to: dict[int, int]) -> None:
    """Move a consumer to these offsets by partition. A position never falls, so two readers of one batch do no harm."""
    place = {"consumer": consumer, "topic": topic, "epoch": epoch}
    with connection.cursor() as cursor:
        rows = [place | {"partition": partition, "position": offset} for partition, offset in sorted(to.items())]
        cursor.executemany(query(ROOM, "position_advance"), rows)


def claim_event(connection: Connection, event: dict[str, Any]) -> bool:
    """Write down what was decided on an event; False where the trigger ledger has it, which counts the duplicate there.

    Args:
        event: `source, event_id, event_type, topic_id, partition, offset, decision`.
    """
    row = connection.execute(query(ROOM, "trigger_claim"), event).fetchone()
    return row is not None and bool(row["first"])
