"""What the snapshots should be: one case at a time, one fact after the other, for each date all over again.

Slow and plain on purpose, and it shares nothing with the product: `docs/case-semantics.md` in Python, to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

ZERO = timedelta(0)


@dataclass(frozen=True)
class Fact:
    """An admitted event. `data` has the names of the typed columns; a correction's are those of its replacement."""

    event_id: str
    event_type: str
    case_id: str
    occurred_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    sequence: int = 0
    source: str = "a"
    target: str | None = None
    action: str | None = None
    moved_to: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.source, self.event_id)

    @property
    def target_key(self) -> tuple[str, str | None]:
        return (self.source, self.target)

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        return (self.occurred_at, self.sequence, self.event_id, self.source)


NEEDED = {
    "CaseOpened": ("case_type", "jurisdiction", "priority"),
    "EvidenceReceived": ("evidence_id", "evidence_kind"),
    "CaseAssigned": ("assignee", "team"),
    "CaseEscalated": ("escalation_level",),
    "DecisionIssued": ("decision",),
}


def suits(replacement: Fact, event_type: str) -> bool:
    """Whether an event of that type could have the replacement's time and data."""
    given = {name for name, value in replacement.data.items() if value is not None}
    if replacement.moved_to is None or not given.issuperset(NEEDED.get(event_type, ())):
        return False
    if event_type == "BreachClockStarted":
        return not given.issuperset({"allowance_seconds", "deadline_at"})
    return not (event_type == "DecisionIssued" and "penalty_amount" in given and "currency" not in given)


class Corrections:
    """Which corrections count."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.known = {fact.key: fact for fact in facts}
        self.all = [fact for fact in self.known.values() if fact.event_type == "CaseCorrected"]

    def obstacle(self, correction: Fact) -> str | None:
        target = self.known.get(correction.target_key)  # type: ignore[arg-type]
        if target is None:
            return "UNKNOWN_TARGET"
        if target.case_id != correction.case_id:
            return "OTHER_CASE"
        if correction.action == "REPLACE":
            if target.event_type == "CaseCorrected":
                return "REPLACES_CORRECTION"
            return None if suits(correction, target.event_type) else "INVALID_REPLACEMENT"
        return "CYCLE" if self.in_cycle(correction) else None

    def in_cycle(self, correction: Fact) -> bool:
        seen = {correction.key}
        here = self.known.get(correction.target_key)  # type: ignore[arg-type]
        while here is not None and here.event_type == "CaseCorrected" and here.action == "RETRACT":
            if here.case_id != correction.case_id:
                return False
            if here.key == correction.key:
                return True
            if here.key in seen:
                return False
            seen.add(here.key)
            here = self.known.get(here.target_key)  # type: ignore[arg-type]
        return False

    def retracted(self, fact: Fact) -> bool:
        return any(
            other.action == "RETRACT" and self.counts(other) for other in self.all if other.target_key == fact.key
        )

    def counts(self, correction: Fact) -> bool:
        return self.obstacle(correction) is None and not self.retracted(correction)

    def open(self) -> dict[tuple[str, str], str]:
        found = {}
        for correction in self.all:
            reason = self.obstacle(correction)
            if reason == "CYCLE" or (reason is not None and not self.retracted(correction)):
                found[correction.key] = reason
        return found

    def apply_to(self, fact: Fact) -> Fact | None:
        """The fact as corrected; None if it is retracted."""
        counting = [other for other in self.all if other.target_key == fact.key and self.counts(other)]
        if not counting:
            return fact
        last = max(counting, key=lambda other: other.order)
        if last.action == "RETRACT":
            return None
        assert last.moved_to is not None
        return replace(fact, occurred_at=last.moved_to, data=last.data)


@dataclass
class Clock:
    state: str = "NONE"
    allowed: timedelta | None = None
    count: timedelta = ZERO
    time: datetime | None = None
    """The instant that `count` is of."""
    reached_at: datetime | None = None
    """Where the count reached the allowance now in force."""

    def run_to(self, instant: datetime) -> None:
        if self.state == "RUNNING":
            assert self.time is not None
            passed = instant - self.time
            if self.allowed is not None and self.reached_at is None and self.count + passed >= self.allowed:
                self.reached_at = self.time + (self.allowed - self.count)
            self.count += passed
        self.time = instant

    def start(self, at: datetime, data: Mapping[str, Any]) -> None:
        if self.state in ("NONE", "STOPPED"):
            self.allowed, self.count, self.reached_at = None, ZERO, None
        self.state, self.time = "RUNNING", at
        if data.get("allowance_seconds") is not None:
            self.allow(timedelta(seconds=data["allowance_seconds"]), at)
        elif data.get("deadline_at") is not None:
            self.allow(max(ZERO, self.count + (data["deadline_at"] - at)), at)

    def allow(self, allowed: timedelta, at: datetime) -> None:
        self.allowed = allowed
        self.reached_at = at if self.count >= allowed else None

    def stop(self) -> None:
        if self.state in ("RUNNING", "PAUSED"):
            self.state = "STOPPED"

    def deadline(self) -> datetime | None:
        if self.state != "RUNNING" or self.allowed is None:
            return None
        if self.reached_at is not None:
            return self.reached_at
        assert self.time is not None
        return self.time + (self.allowed - self.count)


@dataclass
class Case:
    row: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    breached_at: datetime | None = None

    def note_breach(self) -> None:
        if self.breached_at is None:
            self.breached_at = self.clock.reached_at

    def apply(self, fact: Fact) -> None:  # noqa: PLR0912 - the rules of all types, side by side
        self.clock.run_to(fact.occurred_at)
        self.note_breach()
        row, at, data = self.row, fact.occurred_at, fact.data
        match fact.event_type:
            case "CaseOpened":
                if row.get("opened_at") is None:
                    row["opened_at"] = at
                elif row.get("closed_at") is not None:
                    for name in ("closed_at", "decision", "decision_at", "penalty_amount", "currency"):
                        row[name] = None
                row.update({name: data.get(name) for name in ("case_type", "jurisdiction", "priority")})
            case "EvidenceReceived":
                row["evidence_count"] = row.get("evidence_count", 0) + 1
            case "CaseAssigned":
                row.update(assignee=data.get("assignee"), team=data.get("team"))
            case "CaseEscalated":
                row["escalation_level"] = data["escalation_level"]
            case "BreachClockStarted":
                self.clock.start(at, data)
            case "BreachClockPaused":
                if self.clock.state == "RUNNING":
                    self.clock.state = "PAUSED"
            case "DecisionIssued":
                row.update(
                    {name: data.get(name) for name in ("decision", "penalty_amount", "currency")}, decision_at=at
                )
                self.clock.stop()
            case "CaseClosed":
                if row.get("closed_at") is None:
                    row["closed_at"] = at
                self.clock.stop()
            case other:
                raise AssertionError(other)
        self.note_breach()
        row["event_count"] = row.get("event_count", 0) + 1
        row.update(last_event_at=at, last_event_type=fact.event_type)

    def at_end_of(self, day: date, end: datetime) -> dict[str, Any]:
        row, clock = self.row, self.clock
        deadline = clock.deadline()
        clock.run_to(end)
        breached_at = self.breached_at
        if breached_at is None and deadline is not None and deadline < end:
            breached_at = deadline
        level = row.get("escalation_level", 0)
        status = "ESCALATED" if level >= 1 else "OPEN"
        if row.get("decision_at") is not None:
            status = "DECIDED"
        if row.get("closed_at") is not None:
            status = "CLOSED"
        second = timedelta(seconds=1)
        return {
            "snapshot_date": day,
            "case_type": row["case_type"],
            "jurisdiction": row["jurisdiction"],
            "priority": row["priority"],
            "status": status,
            "opened_at": row["opened_at"],
            "last_event_at": row["last_event_at"],
            "last_event_type": row["last_event_type"],
            "event_count": row["event_count"],
            "evidence_count": row.get("evidence_count", 0),
            "assignee": row.get("assignee"),
            "team": row.get("team"),
            "escalation_level": level,
            "clock_state": clock.state,
            "clock_allowed_seconds": None if clock.allowed is None else clock.allowed // second,
            "clock_consumed_seconds": clock.count // second,
            "clock_deadline_at": deadline,
            "breached": breached_at is not None,
            "breached_at": breached_at,
            "decision": row.get("decision"),
            "decision_at": row.get("decision_at"),
            "penalty_amount": None if row.get("penalty_amount") is None else Decimal(row["penalty_amount"]),
            "currency": row.get("currency"),
            "closed_at": row.get("closed_at"),
        }


def snapshots(facts: Iterable[Fact], ends: Mapping[date, datetime]) -> list[dict[str, Any]]:
    """The rows of every date in `ends` (date -> the instant it is over), sorted by date and case."""
    known = list(facts)
    corrections = Corrections(known)
    corrected = [corrections.apply_to(fact) for fact in known if fact.event_type != "CaseCorrected"]
    effective = sorted((fact for fact in corrected if fact is not None), key=lambda fact: fact.order)
    rows = []
    for day, end in sorted(ends.items()):
        for case_id in sorted({fact.case_id for fact in effective}):
            case = Case()
            for fact in effective:
                if fact.case_id == case_id and fact.occurred_at < end:
                    case.apply(fact)
            if case.row.get("opened_at") is not None:
                rows.append({"case_id": case_id, **case.at_end_of(day, end)})
    return rows
