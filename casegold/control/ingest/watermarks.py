"""What the ledger knows of a table of the lake, which the table cannot lack. Not here: the table (`sink.lake`)."""

from __future__ import annotations

from dataclasses import dataclass

from casegold.control.db import ControlDb
from casegold.control.runs.claimed_tables import claim_of
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True)
class Written:
    """The highest number appended to a table and the highest version that was official on it; 0 where there is none."""

    seq: int = 0
    version: int = 0


def written(control: ControlDb, table: str) -> Written:
    """What the ledger says was written to a table.

    Raises:
        SourceUnavailable: Postgres does not answer.
    """
    (row,) = control.rows(query(ROOM, "written_to_table"), {"table": table, "claim": claim_of(table)})
    return Written(row["seq"], row["version"])


def nothing(_: str) -> Written:
    """The ledger of whoever mends a table: it may lack anything."""
    return Written()
