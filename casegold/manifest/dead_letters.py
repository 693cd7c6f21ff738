"""Which commits still owe their dead letters to a topic: rows of the effect ledger. Not here: sending them."""

from __future__ import annotations

from casegold.domain.sql import load
from casegold.manifest.db import Connection

SQL = "casegold.manifest.sql"


def owe(connection: Connection, topic: str, seq: int) -> None:
    """Note, in the transaction that completes a commit, that its rejected records are to be sent."""
    connection.execute(load(SQL, "letters_owe"), {"topic": topic, "seq": str(seq)})


def owed(connection: Connection, topic: str) -> list[int]:
    """Commits whose letters are not all acknowledged, oldest first."""
    return [int(row["request_id"]) for row in connection.execute(load(SQL, "letters_owed"), {"topic": topic})]


def done(connection: Connection, topic: str, seq: int, letters: int) -> None:
    """Every letter of a commit is acknowledged."""
    connection.execute(load(SQL, "letters_done"), {"topic": topic, "seq": str(seq), "letters": letters})
