"""For each dataset, the last version and snapshot at which ledger and lake agreed. Not here: comparing them."""

from __future__ import annotations

from dataclasses import dataclass

from casegold.control.db import Connection, ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The version and the snapshot of main at which ledger and lake last agreed; both 0 if they never did."""

    version: int = 0
    snapshot_id: int = 0


def last(control: ControlDb, dataset: str) -> Agreement:
    """The last agreement about a dataset."""
    rows = control.rows(query(ROOM, "reconciled_get"), {"dataset": dataset})
    return Agreement(rows[0]["version"], rows[0]["snapshot_id"]) if rows else Agreement()


def record(connection: Connection, dataset: str, now: Agreement) -> None:
    """Record that ledger and lake agree now."""
    parameters = {"dataset": dataset, "version": now.version, "snapshot_id": now.snapshot_id}
    connection.execute(query(ROOM, "reconciled_set"), parameters)
