"""Control totals in PostgreSQL, for day close and the gate. Not here: the commit they came with (`commits`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True, order=True)
class TotalKey:
    """What a source counted. A recount has a higher `revision`."""

    source: str
    business_date: date
    event_type: str
    revision: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of events, and the instant as of which the source counted them."""

    count: int
    as_of: datetime


def known(connection: Connection, keys: Collection[TotalKey]) -> dict[TotalKey, Counted]:
    """Those of the given totals that are already recorded."""
    rows = connection.execute(query(ROOM, "totals_known"), _columns(list(keys)))
    return {
        TotalKey(row["source"], row["business_date"], row["event_type"], row["revision"]): Counted(
            row["count"], row["as_of"]
        )
        for row in rows
    }


def record(connection: Connection, seq: int, totals: Mapping[TotalKey, Counted]) -> None:
    """Record the totals of a commit; part of its completing transaction."""
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
