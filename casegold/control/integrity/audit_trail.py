"""The audit trail as a chain of digests: its head, and where it is broken.

Not here: what announcements say of it (`operations.announced_heads`); appending to it (a trigger of migration 0008).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"

GENESIS = "0" * 64
"""The digest of an empty trail; the first link follows it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of the trail, now or at an earlier time. Sequence 0 is the empty trail."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the trail differs from the tables or contradicts itself.

    `sequence` is the link's number; None for a row that never had a link.
    """

    sequence: int | None
    source: str
    row_key: str
    problem: str


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore of the database from a backup: all changes between the two times are lost, also those of the trail."""

    taken_at: datetime
    restored_at: datetime


def head(control: ControlDb) -> Head:
    """The current last link."""
    (row,) = control.rows(query(ROOM, "audit_head"))
    return Head(**row)


def breaks(control: ControlDb, limit: int) -> list[Break]:
    """The first `limit` breaks of the trail, oldest first. Recomputes every digest."""
    return [Break(**row) for row in control.rows(query(ROOM, "audit_breaks"), {"limit": limit})]


def restorations(control: ControlDb) -> list[Restoration]:
    """Every restore of this database, oldest first. The trail has a link for each."""
    return [Restoration(**row) for row in control.rows(query(ROOM, "restorations"))]


def contradicted(control: ControlDb, heads: Iterable[Head]) -> list[Head]:
    """The former heads that the trail does not have with the same digest."""
    wanted = [each for each in heads if each != Head(0, GENESIS)]
    rows = control.rows(query(ROOM, "audit_digests"), {"sequences": [each.sequence for each in wanted]})
    known = {row["sequence"]: row["digest"] for row in rows}
    return [each for each in wanted if known.get(each.sequence) != each.digest]
