"""The platform's own requests for backfills that people must approve. Not here: steps of people (`approvals`)."""

from __future__ import annotations

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.errors import Deferred
from casegold.domain.sql import query

ROOM = "casegold.control.changes"


def ask(
    connection: Connection, dataset: str, partitions: PartitionRange, reason: str, *, onwards: bool = False
) -> bool:
    """Request approval for a range, once; the database writes the audit row and the `BackfillRequested` event.

    Args:
        onwards: a request that includes the first partition covers the whole range, since it restates all later ones.

    Returns:
        False if an open request already covers the range, or a person rejected one with the same reason; then nothing
        is written.
    """
    connection.execute(query(ROOM, "backfill_expire"), {"dataset": dataset})
    row = connection.execute(
        query(ROOM, "backfill_ask"),
        {
            "dataset": dataset,
            "first": partitions.first,
            "last": partitions.last,
            "reason": reason,
            "onwards": onwards,
        },
    ).fetchone()
    return row is not None


def assert_executing(connection: Connection, run_id: str) -> None:
    """Lock the backfill of a run until this transaction ends, so that nobody stops it before the commit.

    Does nothing for a run that belongs to no backfill.

    Raises:
        Deferred: the backfill is paused or over.
    """
    row = connection.execute(query(ROOM, "backfill_of_run"), {"run_id": run_id}).fetchone()
    if row is not None and row["state"] != "EXECUTING":
        raise Deferred(f"backfill {row['backfill_run_id']} is {row['state']}")
