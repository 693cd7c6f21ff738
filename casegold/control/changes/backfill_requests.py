"""The platform's own requests for work that people approve. Not here: what people do with them (`approvals`)."""

from __future__ import annotations

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.errors import Deferred
from casegold.domain.sql import query

ROOM = "casegold.control.changes"


def ask(
    connection: Connection, dataset: str, partitions: PartitionRange, reason: str, *, onwards: bool = False
) -> bool:
    """Ask once for approval of a range; the database writes the audit row and the `BackfillRequested` event.

    Args:
        onwards: any request from the first partition on covers the range: what it restates, it restates to the end.

    Returns:
        False where an open request already covers the range, or a person rejected one with this reason; then nothing
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
    """Keep the backfill of a run as it is to the end of this transaction, so that nobody stops it before it commits.

    Nothing happens for a run that belongs to no backfill.

    Raises:
        Deferred: it is paused, or over.
    """
    row = connection.execute(query(ROOM, "backfill_of_run"), {"run_id": run_id}).fetchone()
    if row is not None and row["state"] != "EXECUTING":
        raise Deferred(f"backfill {row['backfill_run_id']} is {row['state']}")
