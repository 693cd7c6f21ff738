"""Progress of a replay: the file of events that it sends, and how many of them Kafka has acknowledged.

Not here: sending (`jobs.replay`), who approved it (`approvals`).
"""

from __future__ import annotations

from dataclasses import dataclass

from casegold.control.db import Connection
from casegold.control.model import Claim
from casegold.control.runs import claims
from casegold.domain.errors import Deferred, InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control.changes"


@dataclass(frozen=True, slots=True)
class Extract:
    """The Parquet file whose rows a replay sends in order, and how many of them Kafka has acknowledged."""

    uri: str
    events: int
    sent: int


def extract_of(connection: Connection, backfill_run_id: str) -> Extract | None:
    """The extract of an earlier attempt and its progress; None if there is none."""
    row = connection.execute(query(ROOM, "replay_get"), {"id": backfill_run_id}).fetchone()
    return None if row is None else Extract(row["uri"], row["events"], row["sent"])


def record_extract(connection: Connection, claim: Claim, backfill_run_id: str, uri: str, events: int) -> None:
    """Record the completely written file that will be sent. It is never replaced: positions of sent events refer to it.

    Raises:
        Deferred: the claim was taken over.
    """
    claims.assert_claim(connection, claim)
    connection.execute(query(ROOM, "replay_start"), {"id": backfill_run_id, "uri": uri, "events": events})


def mark_sent(connection: Connection, claim: Claim, backfill_run_id: str, before: int, sent: int) -> None:
    """Record that Kafka has acknowledged the rows up to `sent`.

    Raises:
        Deferred: the claim was taken over.
    """
    claims.assert_claim(connection, claim)
    parameters = {"id": backfill_run_id, "before": before, "sent": sent}
    if connection.execute(query(ROOM, "replay_mark"), parameters).rowcount != 1:
        raise InvariantBroken(f"replay {backfill_run_id} was not at row {before}: another process is sending, too")


def assert_executing(connection: Connection, backfill_run_id: str) -> None:
    """Check that the backfill is still EXECUTING. Raises Deferred if it is paused or over."""
    (row,) = connection.execute(query(ROOM, "replay_state"), {"id": backfill_run_id}).fetchall()
    if row["state"] != "EXECUTING":
        raise Deferred(f"backfill {backfill_run_id} is {row['state']}")
