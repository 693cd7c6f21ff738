"""Generators of small, nasty registers: everything ties, overlaps, contradicts or falls on the end of a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from casegold.domain.calendar import BusinessCalendar
from tests.transform.oracle import Fact

NUMBER_OF_DATES = 5
TYPES = (
    "CaseOpened",
    "CaseOpened",
    "EvidenceReceived",
    "CaseAssigned",
    "CaseEscalated",
    "BreachClockStarted",
    "BreachClockStarted",
    "BreachClockStarted",
    "BreachClockPaused",
    "BreachClockPaused",
    "DecisionIssued",
    "CaseClosed",
)
STEPS = tuple(
    timedelta(**step)
    for step in (
        {"microseconds": -1},
        {},
        {"microseconds": 1},
        {"minutes": 30},
        {"hours": 1},
        {"hours": 1, "seconds": 1},
        {"hours": 7, "microseconds": 999_999},
        {"hours": 12},
    )
)
ALLOWANCES = (0, 1, 3_600, 3_601, 43_200, 86_400, 200_000)


@dataclass(frozen=True)
class Window:
    """Some dates around a change of the clocks of a zone."""

    zone: str
    first: date

    @property
    def calendar(self) -> BusinessCalendar:
        return BusinessCalendar(self.zone)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=NUMBER_OF_DATES - 1)


WINDOWS = (
    Window("Europe/Amsterdam", date(2026, 3, 27)),
    Window("Europe/Amsterdam", date(2026, 10, 23)),
    Window("America/New_York", date(2026, 3, 6)),
    Window("America/New_York", date(2026, 10, 30)),
    Window("America/Sao_Paulo", date(2018, 11, 2)),  # on the 4th 00:00 does not exist
    Window("America/Sao_Paulo", date(2018, 2, 15)),  # on the 17th 23:00 comes twice
)


def instants(window: Window) -> st.SearchStrategy[datetime]:
    """Few enough to tie often; the day before the first date and the one after the last belong to it."""
    ends = [window.calendar.end_of(window.first + timedelta(days=offset)) for offset in range(-2, NUMBER_OF_DATES)]
    return st.builds(lambda end, step: end + step, st.sampled_from(ends), st.sampled_from(STEPS))


def data_by_type(instants: st.SearchStrategy[datetime]) -> dict[str, st.SearchStrategy[dict[str, Any]]]:
    few = st.sampled_from(("x", "y", "z"))
    nothing: st.SearchStrategy[dict[str, Any]] = st.just({})
    decision = st.fixed_dictionaries({"decision": few})
    penalty = st.fixed_dictionaries(
        {"decision": few, "penalty_amount": st.sampled_from(("0.00", "1250.50")), "currency": st.just("EUR")}
    )
    allowance = st.fixed_dictionaries({"allowance_seconds": st.sampled_from(ALLOWANCES)})
    return {
        "CaseOpened": st.fixed_dictionaries(
            {"case_type": few, "jurisdiction": few, "priority": st.sampled_from(("LOW", "URGENT"))}
        ),
        "EvidenceReceived": st.fixed_dictionaries({"evidence_id": few, "evidence_kind": few}),
        "CaseAssigned": st.fixed_dictionaries({"assignee": few, "team": st.none() | few}),
        "CaseEscalated": st.fixed_dictionaries({"escalation_level": st.integers(1, 3)}),
        "BreachClockStarted": nothing | allowance | st.fixed_dictionaries({"deadline_at": instants}),
        "BreachClockPaused": nothing,
        "DecisionIssued": decision | penalty,
        "CaseClosed": nothing,
        "CaseCorrected": nothing,
    }


@st.composite
def facts(draw: st.DrawFn, window: Window) -> list[Fact]:
    """One register: ordinary facts of up to three cases, then corrections of them, of each other and of nothing.

    Two sources use the same ids for different events.
    """
    at = instants(window)
    data = data_by_type(at)
    cases = st.sampled_from(("c1", "c1", "c1", "c2", "c3"))
    made: list[Fact] = []
    for number in range(draw(st.integers(1, 14))):
        event_type = draw(st.sampled_from(TYPES))
        made.append(
            Fact(
                event_id=f"e{number // 2}",
                event_type=event_type,
                case_id=draw(cases),
                occurred_at=draw(at),
                data=draw(data[event_type]),
                sequence=draw(st.integers(0, 1)),
                source="ab"[number % 2],
            )
        )
    corrections = draw(st.integers(0, 6))
    ids = [f"k{number}" for number in range(corrections)]
    for event_id in ids:
        made.append(draw(correction(event_id, made, ids, at, data)))
    return draw(st.permutations(made))


@st.composite
def correction(
    draw: st.DrawFn,
    event_id: str,
    known: list[Fact],
    ids: list[str],
    at: st.SearchStrategy[datetime],
    data: dict[str, st.SearchStrategy[dict[str, Any]]],
) -> Fact:
    target = draw(st.sampled_from(known))
    target_id = draw(st.sampled_from((target.event_id,) * 8 + ("nobody", *ids)))
    replaces = draw(st.booleans())
    event_type = draw(st.sampled_from((target.event_type,) * 6 + ("CaseClosed",)))
    return Fact(
        event_id=event_id,
        event_type="CaseCorrected",
        case_id=draw(st.sampled_from((target.case_id,) * 6 + ("c1", "c2"))),
        occurred_at=draw(at),
        data=draw(data[event_type]) if replaces else {},
        sequence=draw(st.integers(0, 1)),
        source=target.source,
        target=target_id,
        action="REPLACE" if replaces else "RETRACT",
        moved_to=draw(at) if replaces else None,
    )


@st.composite
def registers(draw: st.DrawFn) -> tuple[Window, list[Fact]]:
    window = draw(st.sampled_from(WINDOWS))
    return window, draw(facts(window))
