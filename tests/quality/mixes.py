"""Random histories of facts, and an oracle that knows what became of each: which dates may pass, without any SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from casegold.quality.outside import CONFLICTS, REJECTED
from casegold.quality.verdict import Waiver
from tests.quality.gathered import (
    COUNTED,
    SILENT,
    STRANGER,
    TYPES,
    VOLUNTEER,
    Gathered,
    Row,
    closing,
    conflict,
    fact,
    midnight,
    rejection,
    total,
    unplaced,
)
from tests.quality.rows import DAY

FATES = ("accepted", "rejected", "unplaced", "lost", "held", "conflicting", "mended")
_HOUR = timedelta(hours=1)
_CLOSES = 26
"""A date closes so many hours after it began: between the first count and the second."""


@dataclass
class Mix:
    """A history as the gate sees it, and what is true of it."""

    seen: Gathered
    waivers: list[Waiver]
    incomplete: set[date]
    """Dates whose figures lack a fact that a source counted, or that a source without counts sent while it was open."""
    disputed: set[date]
    """Dates with an event of two contents, unsettled."""
    clean: set[date]
    """Dates about which nothing at all went wrong."""


@dataclass(frozen=True)
class _Sent:
    """A fact as its source knows it."""

    at: datetime
    fate: str


@dataclass
class _Writer:
    random: Random
    days: Sequence[date]
    facts: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    conflicts: list[Row] = field(default_factory=list)
    totals: list[Row] = field(default_factory=list)
    sent: dict[tuple[str, date, str], list[_Sent]] = field(default_factory=lambda: defaultdict(list))
    incomplete: set[date] = field(default_factory=set)
    disputed: set[date] = field(default_factory=set)
    touched: set[date] = field(default_factory=set)
    offset: int = 0

    def close_seq(self, day: date) -> int:
        return 100 * (2 + self.days.index(day))

    def send(self, day: date, source: str, fate: str, *, hours: int) -> None:
        """One fact of a date by one source, so long after the date began, with its fate."""
        self.offset += 1
        name, kind, at = f"e{self.offset}", self.random.choice(TYPES), midnight(day) + hours * _HOUR
        seq = self.close_seq(day) + (-50 if hours < _CLOSES else 50)
        who = {"source": source, "event_type": kind, "effective_date": day, "emitted_at": at}
        came = {"ingest_seq": seq, "kafka_timestamp": at, "kafka_offset": self.offset}
        self.sent[source, day, kind].append(_Sent(at, fate))
        if fate in ("accepted", "conflicting", "held", "mended"):
            self.facts.append(fact(name, **who, counts=fate != "held"))
        if fate in ("rejected", "mended"):
            self.rejected.append(rejection(name, **who, **came))
        if fate == "unplaced":
            self.rejected.append(unplaced(source=self.random.choice([source, None]), **came))
            self.touched.update(self.days)  # nobody can know to which date it belongs
        if fate == "conflicting":
            other = self.random.choice(self.days)
            self.conflicts.append(conflict(name, source=source, effective_date=day, recorded_date=other))
            self.rejected.append(rejection(name, **who, **came) | {"reason": "CONFLICT"})
            self.disputed.update({day, other})
        if fate != "accepted":
            self.touched.add(day)

    def estrange(self, day: date) -> None:
        """Records and counts of a source that nobody declared."""
        self.offset += 1
        at = midnight(day) + 12 * _HOUR
        came = {"ingest_seq": self.close_seq(day) - 50, "kafka_timestamp": at, "kafka_offset": self.offset}
        known = rejection(f"x{self.offset}", source=STRANGER, effective_date=day, reason="UNKNOWN_SOURCE", **came)
        self.rejected.append(self.random.choice([known, unplaced(source=STRANGER, **came)]))
        self.totals.append(total(7, source=STRANGER, business_date=day))

    def count(self, source: str, day: date, kinds: Sequence[str]) -> None:
        """A source counts at the end of the day, and perhaps again; at times without what it knows to have failed."""
        recounts = self.random.random() < 0.4
        for kind in kinds:
            for revision, hours in ((1, 25), (2, 40))[: 2 if recounts else 1]:
                as_of = midnight(day) + hours * _HOUR
                counted = [sent.fate for sent in self.sent[source, day, kind] if sent.at <= as_of]
                if self.random.random() < 0.5:
                    counted = [fate for fate in counted if fate not in ("rejected", "unplaced", "lost")]
                self.totals.append(
                    total(len(counted), kind, source=source, business_date=day, as_of=as_of, revision=revision)
                )
            answered = as_of if recounts else None
            if {"rejected", "unplaced", "lost", "held"} & set(counted) or self._rejected_since(
                source, day, kind, answered
            ):
                self.incomplete.add(day)

    def leave_uncounted(self, source: str, day: date, kinds: Sequence[str]) -> None:
        """Types that a source does not count: what was rejected is all that can be known."""
        for kind in kinds:
            sent = self.sent[source, day, kind]
            if source == COUNTED or self._rejected_since(source, day, kind, None):
                self.incomplete.add(day)
            if any(each.fate == "unplaced" and each.at < midnight(day) + _CLOSES * _HOUR for each in sent):
                self.incomplete.add(day)

    def _rejected_since(self, source: str, day: date, kind: str, recounted: datetime | None) -> bool:
        return any(
            each.fate == "rejected" and (recounted is None or each.at > recounted)
            for each in self.sent[source, day, kind]
        )


def mix(seed: int, dates: int = 20) -> Mix:
    """A random history of consecutive dates. The same seed gives the same."""
    random = Random(seed)
    days = [DAY + timedelta(days=n) for n in range(dates)]
    writer = _Writer(random, days)
    for day in days:
        troubled = random.random() < 0.7
        for source in (COUNTED, SILENT, VOLUNTEER):
            for _ in range(random.randint(0, 3)):
                fate = random.choices(FATES, [8, 1, 1, 1, 1, 1, 1])[0] if troubled else "accepted"
                writer.send(day, source, fate, hours=random.choices((12, 30, 45), (8, 1, 1))[0])
            kinds = _counted_types(random, source)
            writer.count(source, day, kinds)
            uncounted = [kind for kind in TYPES if kind not in kinds]
            writer.leave_uncounted(source, day, uncounted)
            if source == COUNTED and uncounted:
                writer.touched.add(day)
        if random.random() < 0.3:
            writer.estrange(day)
    waivers = [Waiver(check, day, day) for day in days for check in (REJECTED, CONFLICTS) if random.random() < 0.05]
    for rows in (writer.facts, writer.rejected, writer.totals):
        random.shuffle(rows)
    judged = [closing(day, writer.close_seq(day), writer.close_seq(day) - 100) for day in days]
    seen = Gathered(writer.facts, writer.rejected, writer.conflicts, writer.totals, judged=judged)
    trouble = writer.touched | writer.disputed | writer.incomplete
    return Mix(seen, waivers, writer.incomplete, writer.disputed, set(days) - trouble)


def _counted_types(random: Random, source: str) -> tuple[str, ...]:
    if source == SILENT:
        return ()
    if source == COUNTED:
        return TYPES if random.random() < 0.97 else TYPES[1:]
    return random.choice([TYPES, TYPES[:1], ()])
