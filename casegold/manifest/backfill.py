"""The platform's own requests for work that people approve. Not here: what people do with them (`approvals`)."""

from __future__ import annotations

from casegold.domain.sql import load
from casegold.manifest.db import Connection
from casegold.manifest.model import PartitionRange

SQL = "casegold.manifest.sql"


def ask(connection: Connection, dataset: str, partitions: PartitionRange, reason: str) -> bool:
    """Ask once for approval of a range; the database writes the audit row and the `BackfillRequested` event.

    Returns:
        False where an open request already covers the range, or a person rejected one with this reason; then nothing
        is written.
    """
    connection.execute(load(SQL, "backfill_expire"), {"dataset": dataset})
    row = connection.execute(
        load(SQL, "backfill_ask"),
        {"dataset": dataset, "first": partitions.first, "last": partitions.last, "reason": reason},
    ).fetchone()
    return row is not None
