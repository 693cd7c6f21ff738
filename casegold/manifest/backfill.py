"""Requests for work that needs a person's approval. Not here: plans, approvals and execution of them."""

from __future__ import annotations

from casegold.domain.sql import load
from casegold.manifest.db import Connection
from casegold.manifest.model import PartitionRange

SQL = "casegold.manifest.sql"


def ask(connection: Connection, dataset: str, partitions: PartitionRange, reason: str, restated: int) -> bool:
    """Ask once for approval of a range: writes the request, its audit row and a `BackfillRequested` event.

    Returns:
        False where an open request already covers the range; then nothing is written.
    """
    connection.execute(load(SQL, "backfill_expire"), {"dataset": dataset})
    row = connection.execute(
        load(SQL, "backfill_ask"),
        {
            "dataset": dataset,
            "first": partitions.first,
            "last": partitions.last,
            "reason": reason,
            "restated": restated,
        },
    ).fetchone()
    return row is not None
