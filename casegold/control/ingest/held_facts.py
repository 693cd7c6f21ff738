"""Held facts: which ones wait, and what was decided. Not here: deciding (`changes.approvals`, `changes.admission`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that arrived after the grace window. `total`: the number of matches, including those beyond the limit."""

    source: str
    event_id: str
    event_type: str
    case_id: str
    dirty_from: date
    ingest_seq: int
    state: str
    held_because: str
    held_at: datetime
    admitted_seq: int | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    backfill_run_id: str | None
    total: int


def held(control: ControlDb, limit: int | None) -> list[Fact]:
    """Facts without a decision, ordered by the first date that they change."""
    return _facts(control, None, limit)


def find(control: ControlDb, event_id: str) -> list[Fact]:
    """Held facts with this event id, one for each source, decided or not; none if it was never held."""
    return _facts(control, event_id, 100)


def _facts(control: ControlDb, event_id: str | None, limit: int | None) -> list[Fact]:
    return [Fact(**row) for row in control.rows(query(ROOM, "list_facts"), {"event_id": event_id, "limit": limit})]
