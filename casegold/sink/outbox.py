"""Announcements: written in the same transaction as the change they announce, and sent later by the relay."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.sink"

NAMESPACE = uuid5(NAMESPACE_URL, "urn:casegold:outbox")


def announce(
    connection: Connection,
    *,
    aggregate_type: str,
    aggregate_id: str,
    event_type: str,
    key: str,
    payload: dict[str, Any],
) -> UUID:
    """Insert an outbox row, once for each key.

    Args:
        aggregate_type: names the topic, `outbox.event.<aggregate_type>`.
        aggregate_id: the Kafka key; order is kept within one.
        key: what happened, unique within type and aggregate: repeating the transaction announces nothing new.

    Returns:
        The event's id, by which consumers deduplicate.
    """
    event_id = uuid5(NAMESPACE, f"{aggregate_type}/{aggregate_id}/{event_type}/{key}")
    connection.execute(
        query(ROOM, "outbox_insert"),
        {
            "id": event_id,
            "aggregate_type": aggregate_type,
            "aggregate_id": aggregate_id,
            "event_type": event_type,
            "payload": Jsonb(payload),
        },
    )
    return event_id
