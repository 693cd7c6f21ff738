"""Simulates a case system: deterministic, day by day, in bounded memory. Not here: sending, counting, the command line.

Memory holds the unsent events of cases already opened, so it grows with open cases, not with days.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import (
    DEFAULT_SOURCE,
    CaseCorrected,
    CaseEvent,
    CorrectionAction,
    DecisionIssued,
    EventType,
    EvidenceReceived,
    Payload,
    Replacement,
    ReplacementData,
)
from casegold.domain.payload import payload_json
from casegold.source.lifecycle import life

OFFICE_OPENS_HOURS = 8
OFFICE_HOURS = 10
_CORRECTIONS = 0.01
_SHARES = ("duplicates", "out_of_order", "late", "conflicting", "poison")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate. Shares are fractions of all events, 0 to 1, independent of each other.

    `duplicates` are sent again unchanged, `out_of_order` up to four hours late, `late` one to five days late.
    `conflicting` copies have the same id and different content; with `settled`, a correction follows that states the
    right content. `poison` records are not events.
    """

    cases: int
    days: int
    seed: int
    until: date
    calendar: BusinessCalendar
    duplicates: float = 0.0
    out_of_order: float = 0.0
    late: float = 0.0
    conflicting: float = 0.0
    settled: bool = False
    poison: float = 0.0
    source: str = DEFAULT_SOURCE

    def __post_init__(self) -> None:
        if self.cases < 1 or self.days < 1:
            raise ConfigurationError("nothing to simulate", remedy="give at least one case and one day")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} is not a share", remedy="give a number from 0 to 1, such as 0.01")

    @property
    def first(self) -> date:
        return self.until - timedelta(days=self.days - 1)

    @property
    def as_of(self) -> datetime:
        """When the case system counted: at the end of the last date, after it had sent every counted event."""
        return self.calendar.end_of(self.until)

    @property
    def tag(self) -> str:
        """A tag in every id that distinguishes this simulation from others."""
        scope = f"{self.cases} {self.days} {self.seed} {self.until} {self.calendar.zone_name}"
        return hashlib.sha256(scope.encode()).hexdigest()[:8]


class Sent(msgspec.Struct, frozen=True):
    """One record to send: an event (counted in the control totals or not), or poison."""

    event: CaseEvent | None
    counted: bool = False
    poison: bytes = b""
    key: bytes = b""


def simulate(plan: Plan) -> Iterator[Sent]:
    """Every record of the plan, ordered by sending time.

    The sending time of conflicting copies is after the control totals were taken, so totals do not cover them.
    """
    pending: list[tuple[datetime, str, CaseEvent]] = []
    disturb = Random(f"disturb {plan.tag}")  # noqa: S311 - reproducible, not secret
    starts = [plan.calendar.end_of(plan.first + timedelta(days=day - 1)) for day in range(plan.days)]
    for day in range(plan.days):
        for case in range(plan.cases * day // plan.days, plan.cases * (day + 1) // plan.days):
            for event in _case(plan, case, day, starts):
                heapq.heappush(pending, (event.emitted_at, event.id, event))
        until = starts[day + 1] if day + 1 < plan.days else None
        while pending and (until is None or pending[0][0] < until):
            yield from _with_disturbances(plan, heapq.heappop(pending)[2], disturb)


def _case(plan: Plan, case: int, opened: int, starts: list[datetime]) -> Iterator[CaseEvent]:
    """The events of one case up to the last date, with their sending times."""
    random = Random(f"{plan.tag} {case}")  # noqa: S311 - reproducible, not secret
    case_id = f"case-{plan.tag}-{case:07d}"
    begin = opened + random.random() * 0.98
    number = 0
    for offset, payload in life(random, case_id):
        moment = _moment(begin + offset, starts)
        if moment is None:
            continue
        event = _event(plan, case_id, number, moment, _sending(plan, random, moment), payload)
        number += 1
        yield event
        if random.random() < _CORRECTIONS and (corrected := _moment(begin + offset + 1.3, starts)) is not None:
            correction = _correction(random, event, payload)
            if correction is not None:
                yield _event(plan, case_id, number, corrected, _sending(plan, random, corrected), correction)
                number += 1


def _moment(position: float, starts: list[datetime]) -> datetime | None:
    """The instant, within office hours, for a number of days since the first date; None beyond the last date."""
    day = int(position)
    if day >= len(starts):
        return None
    return starts[day] + timedelta(hours=OFFICE_OPENS_HOURS + (position - day) * OFFICE_HOURS)


def _sending(plan: Plan, random: Random, moment: datetime) -> datetime:
    delay = timedelta(seconds=random.uniform(0.2, 30.0))
    if random.random() < plan.out_of_order:
        delay += timedelta(hours=random.uniform(0.1, 4.0))
    if random.random() < plan.late:
        delay += timedelta(days=random.uniform(1.0, 5.0))
    return min(moment + delay, plan.as_of)


def _event(plan: Plan, case: str, number: int, moment: datetime, emitted: datetime, payload: Payload) -> CaseEvent:
    return CaseEvent(
        source=plan.source,
        id=f"{case}-{number:03d}",
        type=EventType(type(payload).__name__),
        case_id=case,
        occurred_at=moment,
        emitted_at=emitted,
        data=payload,
        data_json=payload_json(payload),
        sequence=number,
    )


def _correction(random: Random, event: CaseEvent, payload: Payload) -> CaseCorrected | None:
    """A correction: evidence is retracted or dated one hour earlier, a penalty is halved; None for anything else."""
    if isinstance(payload, EvidenceReceived):
        if random.random() < 0.5:
            return CaseCorrected(event.id, CorrectionAction.RETRACT, "filed under the wrong case")
        data = ReplacementData(evidence_id=payload.evidence_id, kind=payload.kind)
        replacement = Replacement(event.occurred_at - timedelta(hours=1), data)
    elif isinstance(payload, DecisionIssued) and payload.penalty_amount is not None:
        halved = (payload.penalty_amount / 2).quantize(payload.penalty_amount)
        data = ReplacementData(decision=payload.decision, penalty_amount=halved, currency=payload.currency)
        replacement = Replacement(event.occurred_at, data)
    else:
        return None
    return CaseCorrected(event.id, CorrectionAction.REPLACE, "clerical error", replacement, "supervisor-01")


def _settlement(plan: Plan, event: CaseEvent) -> CaseEvent:
    """The correction of an event with a conflict; it confirms the first content."""
    content = {name: getattr(event.data, name) for name in event.data.__struct_fields__}
    right = Replacement(event.occurred_at, ReplacementData(**content))
    data = CaseCorrected(event.id, CorrectionAction.REPLACE, "sent twice, the first is right", right, "supervisor-01")
    return msgspec.structs.replace(
        event,
        id=f"{event.id}-settled",
        type=EventType.CASE_CORRECTED,
        data=data,
        data_json=payload_json(data),
        emitted_at=plan.as_of + timedelta(minutes=2),
    )


def _with_disturbances(plan: Plan, event: CaseEvent, random: Random) -> Iterator[Sent]:
    yield Sent(event, counted=True)
    if plan.duplicates and random.random() < plan.duplicates:
        yield Sent(event)
    # A correction cannot be corrected, so a conflict about one would stay open.
    able = not plan.settled or event.type is not EventType.CASE_CORRECTED
    if plan.conflicting and random.random() < plan.conflicting and able:
        yield Sent(
            msgspec.structs.replace(
                event,
                occurred_at=event.occurred_at - timedelta(seconds=1),
                emitted_at=plan.as_of + timedelta(minutes=1),
            )
        )
        if plan.settled:
            yield Sent(_settlement(plan, event))
    if plan.poison and random.random() < plan.poison:
        yield Sent(None, poison=random.choice(_POISON), key=event.case_id.encode())


_POISON = (
    b"",
    b"not json",
    b'{"eventId":"x","eventType":"CaseOpened"',
    b"\xff\xfe\x00",
    b'{"eventId":"x","eventType":"CaseVanished","caseId":"c","schemaVersion":"1.0","data":{}}',
    b'{"eventId":"x","eventType":"CaseClosed","caseId":"c","schemaVersion":"1.0","data":{"reason":1e999}}',
)
"""No record has both a known type and a date, so control totals do not cover any."""
