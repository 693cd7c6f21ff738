"""Which commits still owe their dead letters to a topic: rows of the effect ledger. Not here: sending them."""

from __future__ import annotations

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


def owe(connection: Connection, topic: str, seq: int) -> None:
    """Note, in the transaction that completes a commit, that its rejected records are to be sent."""
    connection.execute(query(ROOM, "letters_owe"), {"topic": topic, "seq": str(seq)})


def owed(connection: Connection, topic: str) -> list[int]:
    """Commits whose letters are not all acknowledged, oldest first."""
    return [int(row["request_id"]) for row in connection.execute(query(ROOM, "letters_owed"), {"topic": topic})]


def done(connection: Connection, topic: str, seq: int, letters: int) -> None:
    """Every letter of a commit is acknowledged."""
    connection.execute(query(ROOM, "letters_done"), {"topic": topic, "seq": str(seq), "letters": letters})
