"""The least that a table of the lake must contain, by the ledger. Not here: the table (`sink.lake`)."""

from __future__ import annotations

from dataclasses import dataclass

from casegold.control.db import ControlDb
from casegold.control.runs.claimed_tables import claim_of
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True)
class Written:
    """The highest sequence number appended to a table, and its highest official version; 0 if there is none."""

    seq: int = 0
    version: int = 0


def written(control: ControlDb, table: str) -> Written:
    """What was written to a table, by the ledger.

    Raises:
        SourceUnavailable: Postgres does not answer.
    """
    (row,) = control.rows(query(ROOM, "written_to_table"), {"table": table, "claim": claim_of(table)})
    return Written(row["seq"], row["version"])


def nothing(_: str) -> Written:
    """For rebuilds and repairs, which may find a table with anything missing."""
    return Written()
