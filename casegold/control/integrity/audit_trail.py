"""The audit trail as a chain: its head, and where it is not what it was. Not here: what announcements say of it
(`operations.announced_heads`), and how it grows; the database does that by itself (migration 0008).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"

GENESIS = "0" * 64
"""What the first link follows: the digest of an empty trail."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last link, or one that was the last once. Sequence 0 is the empty trail."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Break:
    """One place where trail and tables differ, or the trail from itself.

    `sequence` is of the link; None where a row never had one.
    """

    sequence: int | None
    source: str
    row_key: str
    problem: str


@dataclass(frozen=True, slots=True)
class Restoration:
    """The database was made from a backup: what it held in between, the trail included, is lost."""

    taken_at: datetime
    restored_at: datetime


def head(control: ControlDb) -> Head:
    """The last link now."""
    (row,) = control.rows(query(ROOM, "audit_head"))
    return Head(**row)


def breaks(control: ControlDb, limit: int) -> list[Break]:
    """The first places where the trail does not hold, oldest first. Every digest is computed again."""
    return [Break(**row) for row in control.rows(query(ROOM, "audit_breaks"), {"limit": limit})]


def restorations(control: ControlDb) -> list[Restoration]:
    """Every restore that this database has gone through, oldest first. Links of the trail record them."""
    return [Restoration(**row) for row in control.rows(query(ROOM, "restorations"))]


def contradicted(control: ControlDb, heads: Iterable[Head]) -> list[Head]:
    """Those of some former heads that the trail does not have as they were."""
    wanted = [each for each in heads if each != Head(0, GENESIS)]
    rows = control.rows(query(ROOM, "audit_digests"), {"sequences": [each.sequence for each in wanted]})
    known = {row["sequence"]: row["digest"] for row in rows}
    return [each for each in wanted if known.get(each.sequence) != each.digest]
