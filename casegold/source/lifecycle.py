"""The lifecycle of one simulated case, as steps of (days since opening, payload). Not here: ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from casegold.domain.events import (
    BreachClockPaused,
    BreachClockStarted,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    DecisionIssued,
    EvidenceReceived,
    Payload,
    Priority,
)

DAY_SECONDS = 86_400
Step = tuple[float, Payload]


@dataclass(frozen=True, slots=True)
class CaseKind:
    """A type of case: typical length in days, allowance of its clock in days, range of fines in cents (None: none)."""

    name: str
    typical_days: float
    allowed_days: int
    fine: tuple[int, int] | None


KINDS = (
    CaseKind("PERMIT", 12.0, 20, None),
    CaseKind("COMPLAINT", 6.0, 10, None),
    CaseKind("INSPECTION", 20.0, 28, (50_000, 2_500_000)),
    CaseKind("FINE", 30.0, 42, (9_500, 480_000)),
)
_KIND_WEIGHTS = (40, 30, 15, 15)
_JURISDICTIONS = ("NORTH", "SOUTH", "EAST", "WEST")
_PRIORITIES = tuple(Priority)
_TEAMS = ("intake", "review", "legal", "field")
_EVIDENCE = ("PHOTO", "STATEMENT", "REPORT", "LETTER")
_CURRENCIES = ("EUR", "EUR", "EUR", "GBP")
_PAUSE = 0.3
_ESCALATION = 0.15
_HANDOVER = 0.2
_DECISION = 0.85
_REOPENING = 0.04


def life(random: Random, case_id: str) -> list[Step]:
    """The steps of one case, ordered by time."""
    kind = random.choices(KINDS, _KIND_WEIGHTS)[0]
    # Most cases end in time; those in the long tail of the log-normal distribution breach.
    length = kind.typical_days * random.lognormvariate(0.0, 0.55)
    steps = [*_opening(random, kind), *_work(random, length, case_id), *_end(random, kind, length)]
    if random.random() < _REOPENING:
        steps += _second_round(random, kind, length)
    steps.sort(key=lambda step: step[0])
    return steps


def _opening(random: Random, kind: CaseKind) -> Iterator[Step]:
    priority = random.choices(_PRIORITIES, (20, 60, 15, 5))[0]
    yield 0.0, CaseOpened(kind.name, random.choice(_JURISDICTIONS), priority)
    yield 0.001, BreachClockStarted(allowance_seconds=kind.allowed_days * DAY_SECONDS)
    yield 0.01 + random.random() * 0.5, _assignment(random, "intake")


def _work(random: Random, length: float, case_id: str) -> Iterator[Step]:
    for number in range(1 + int(random.expovariate(0.7))):
        moment = length * (0.05 + 0.85 * random.random())
        yield moment, EvidenceReceived(f"{case_id}-e{number}", random.choice(_EVIDENCE))
    if random.random() < _PAUSE:
        pause = length * (0.2 + 0.3 * random.random())
        yield pause, BreachClockPaused("waiting for the applicant")
        yield pause + length * 0.2 * random.random() + 0.05, BreachClockStarted()
    if random.random() < _HANDOVER:
        yield length * 0.5 * random.random() + 0.6, _assignment(random, random.choice(_TEAMS))
    if random.random() < _ESCALATION:
        yield length * 0.7, CaseEscalated(1, "risk to people")
        if random.random() < _ESCALATION:
            yield length * 0.8, CaseEscalated(2, "no answer")


def _end(random: Random, kind: CaseKind, length: float) -> Iterator[Step]:
    if random.random() < _DECISION:
        yield length, _decision(random, kind)
    yield length + 0.02 + random.expovariate(1.0), CaseClosed("settled")


def _second_round(random: Random, kind: CaseKind, length: float) -> Iterator[Step]:
    start = length + 8.0 + random.expovariate(0.3)
    yield start, CaseOpened(kind.name, random.choice(_JURISDICTIONS), Priority.HIGH)
    yield start + 0.001, BreachClockStarted(allowance_seconds=kind.allowed_days * DAY_SECONDS)
    yield start + kind.typical_days * 0.4, _decision(random, kind)
    yield start + kind.typical_days * 0.4 + 0.1, CaseClosed("settled on appeal")


def _assignment(random: Random, team: str) -> CaseAssigned:
    return CaseAssigned(f"{team}-{random.randrange(12):02d}", team)


def _decision(random: Random, kind: CaseKind) -> DecisionIssued:
    if kind.fine is None:
        return DecisionIssued(random.choice(("GRANTED", "GRANTED", "REFUSED")))
    if random.random() < 0.25:
        return DecisionIssued("DISMISSED")
    low, high = kind.fine
    return DecisionIssued("PENALTY", Decimal(random.randrange(low, high)).scaleb(-2), random.choice(_CURRENCIES))
