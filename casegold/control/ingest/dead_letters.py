"""Commits whose dead letters are still to be sent: rows of the effect ledger. Not here: sending them."""

from __future__ import annotations

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


def owe(connection: Connection, topic: str, seq: int) -> None:
    """Record that a commit's rejected records are to be sent; part of the transaction that completes the commit."""
    connection.execute(query(ROOM, "letters_owe"), {"topic": topic, "seq": str(seq)})


def owed(connection: Connection, topic: str) -> list[int]:
    """Commits whose dead letters are not all acknowledged, oldest first."""
    return [int(row["request_id"]) for row in connection.execute(query(ROOM, "letters_owed"), {"topic": topic})]


def done(connection: Connection, topic: str, seq: int, letters: int) -> None:
    """Record that Kafka has acknowledged every dead letter of a commit."""
    connection.execute(query(ROOM, "letters_done"), {"topic": topic, "seq": str(seq), "letters": letters})
