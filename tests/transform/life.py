"""One case in a few words: `Life().opened(1).started(2, allowance=3)` has its facts at hours of 1 March 2026, UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from casegold.domain.calendar import BusinessCalendar
from products.case_daily_snapshot.build import open_corrections
from tests.transform.oracle import Fact
from tests.transform.register import Register

FIRST = date(2026, 3, 1)
REGISTER = Register(BusinessCalendar("UTC"), duckdb.connect(config={"threads": 1}))


def at(hours: float) -> datetime:
    """The instant so many hours after the first date began."""
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)


@dataclass
class Life:
    """Facts of one case; each gets the next id `f0`, `f1`, ... unless named."""

    case_id: str = "c"
    facts: list[Fact] = field(default_factory=list)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    def fact(self, event_type: str, hours: float, *, name: str = "", sequence: int = 0, **data: Any) -> Life:
        event_id = name or f"f{len(self.facts)}"
        self.facts.append(Fact(event_id, event_type, self.case_id, at(hours), data, sequence))
        return self

    def opened(self, hours: float, *, name: str = "", sequence: int = 0, **data: Any) -> Life:
        given = {"case_type": "tax", "jurisdiction": "NL", "priority": "LOW", **data}
        return self.fact("CaseOpened", hours, name=name, sequence=sequence, **given)

    def started(self, hours: float, *, name: str = "", allowance: float | None = None, **data: Any) -> Life:
        given = data if allowance is None else {"allowance_seconds": round(allowance * 3600), **data}
        return self.fact("BreachClockStarted", hours, name=name, **given)

    def paused(self, hours: float, **named: Any) -> Life:
        return self.fact("BreachClockPaused", hours, **named)

    def decided(self, hours: float, decision: str = "FINE", **data: Any) -> Life:
        return self.fact("DecisionIssued", hours, decision=decision, **data)

    def closed(self, hours: float, **named: Any) -> Life:
        return self.fact("CaseClosed", hours, **named)

    def retracted(self, hours: float, target: str, *, name: str = "") -> Life:
        event_id = name or f"f{len(self.facts)}"
        self.facts.append(Fact(event_id, "CaseCorrected", self.case_id, at(hours), target=target, action="RETRACT"))
        return self

    def replaced(self, hours: float, target: str, *, moved_to: float | None, name: str = "", **data: Any) -> Life:
        event_id = name or f"f{len(self.facts)}"
        moved = None if moved_to is None else at(moved_to)
        self.facts.append(
            Fact(
                event_id,
                "CaseCorrected",
                self.case_id,
                at(hours),
                data,
                target=target,
                action="REPLACE",
                moved_to=moved,
            )
        )
        return self

    def rows(self, days: int = 1) -> list[dict[str, Any]]:
        """The snapshots of the first dates."""
        rows: list[dict[str, Any]] = REGISTER.build(self.facts, FIRST, FIRST + timedelta(days=days - 1)).to_pylist()
        return rows

    def row(self, day: int = 1) -> dict[str, Any]:
        """The snapshot at the end of the given date, 1 = the first."""
        (row,) = [row for row in self.rows(day) if row["snapshot_date"] == FIRST + timedelta(days=day - 1)]
        return row


def open_reasons(*lives: Life) -> dict[str, str]:
    """Event id -> why that correction has no effect."""
    REGISTER.use([fact for life in lives for fact in life])
    return {row["event_id"]: row["reason"] for row in open_corrections(REGISTER.connection).to_pylist()}
