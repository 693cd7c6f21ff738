"""The mirror of control totals in Postgres, where day close and the gate ask. Not here: the commit they came with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True, order=True)
class TotalKey:
    """What a source counted, in which recount."""

    source: str
    business_date: date
    event_type: str
    revision: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How many, and as of when the source knew so."""

    count: int
    as_of: datetime


def known(connection: Connection, keys: Collection[TotalKey]) -> dict[TotalKey, Counted]:
    """Those of some totals that are recorded already."""
    rows = connection.execute(query(ROOM, "totals_known"), _columns(list(keys)))
    return {
        TotalKey(row["source"], row["business_date"], row["event_type"], row["revision"]): Counted(
            row["count"], row["as_of"]
        )
        for row in rows
    }


def record(connection: Connection, seq: int, totals: Mapping[TotalKey, Counted]) -> None:
    """Add the totals of a commit; part of its completing transaction."""
    parameters = _columns(list(totals)) | {
        "seq": seq,
        "counts": [counted.count for counted in totals.values()],
        "as_of": [counted.as_of for counted in totals.values()],
    }
    connection.execute(query(ROOM, "totals_insert"), parameters)


def _columns(keys: Sequence[TotalKey]) -> dict[str, object]:
    return {
        "sources": [key.source for key in keys],
        "dates": [key.business_date for key in keys],
        "types": [key.event_type for key in keys],
        "revisions": [key.revision for key in keys],
    }
