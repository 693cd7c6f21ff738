"""Generated event data and events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from casegold.domain.events import CaseEvent, EventType, ProcessingMode
from casegold.domain.payload import read_payload
from casegold.source.json_text import read_object

# Surrogates cannot be written as UTF-8; NUL characters are refused by the codec.
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
IDENTIFIERS = st.text(LETTERS, min_size=1, max_size=20)
INSTANTS = st.datetimes(datetime(1901, 1, 1), datetime(2998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.sampled_from(["Z", "z", "+00:00", "+02:00", "-11:30"])
AMOUNTS = st.decimals(0, 10**16 - 1, places=2).map(str) | st.integers(0, 10**16 - 1).map(str)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | IDENTIFIERS
FINITE = SCALARS.filter(lambda value: value not in (float("inf"), float("-inf")))


def instant_text() -> st.SearchStrategy[str]:
    """Instants with 0 to 9 decimals, an offset in any form, and letters of either case."""
    days = INSTANTS.map(lambda instant: instant.date().isoformat())
    seconds = INSTANTS.map(lambda instant: f"{instant:%H:%M:%S}")
    decimals = st.just("") | st.text("0123456789", min_size=1, max_size=9).map(".".__add__)
    return st.tuples(days, st.sampled_from("Tt"), seconds, decimals, OFFSETS).map("".join)


# From 2**53 on a double may stand for several integers: the codec takes none of them, JSON Schema takes all.
EXACT = FINITE.filter(lambda value: not isinstance(value, float) or abs(value) < 2**53)

MUTANTS = (
    EXACT
    | instant_text()
    | st.sampled_from(
        [
            "",
            "LOW",
            "low",
            "EUR",
            "eur",
            "1.234",
            "01",
            "-1",
            "1e3",
            "2020-02-30T00:00:00Z",
            "2020-01-01T00:00:00",
            "RETRACT",
        ]
    )
    | st.sampled_from(
        ["1899-12-31T00:00:00Z", "2020-01-01 00:00:00Z", "2020-01-01T00:00:00.1234567890Z", "x" * 257, "x" * 4097]
    )
    | st.sampled_from([0, 1, -1, 2**31, 10**10, 10**10 + 1, True, [], {}, [1], {"a": 1}])
)

_FIELDS: dict[EventType, dict[str, st.SearchStrategy[Any]]] = {
    EventType.CASE_OPENED: {
        "caseType": IDENTIFIERS,
        "jurisdiction": IDENTIFIERS,
        "priority": st.sampled_from(["LOW", "NORMAL", "HIGH", "URGENT"]),
    },
    EventType.EVIDENCE_RECEIVED: {"evidenceId": IDENTIFIERS, "kind": IDENTIFIERS},
    EventType.CASE_ASSIGNED: {"assignee": IDENTIFIERS, "team": IDENTIFIERS},
    EventType.CASE_ESCALATED: {"level": st.integers(1, 2**31 - 1), "reason": IDENTIFIERS},
    EventType.BREACH_CLOCK_PAUSED: {"reason": IDENTIFIERS},
    EventType.CASE_CLOSED: {"reason": IDENTIFIERS},
}
_CLOCK: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"allowanceSeconds": st.integers(0, 10**10)}),
    st.fixed_dictionaries({"deadlineAt": instant_text()}),
)
_DECISION = st.fixed_dictionaries(
    {"decision": IDENTIFIERS, "currency": st.sampled_from(["EUR", "GBP"])}, optional={"penaltyAmount": AMOUNTS}
)


def payload_data(kind: EventType) -> st.SearchStrategy[dict[str, Any]]:
    """Valid `data` of a type."""
    if kind is EventType.BREACH_CLOCK_STARTED:
        return _CLOCK
    if kind is EventType.DECISION_ISSUED:
        return _DECISION
    if kind is EventType.CASE_CORRECTED:
        return _corrections()
    return st.fixed_dictionaries(_FIELDS[kind])


def _corrections() -> st.SearchStrategy[dict[str, Any]]:
    common = {"correctedEventId": IDENTIFIERS, "reason": IDENTIFIERS}
    replaceable = [kind for kind in EventType if kind is not EventType.CASE_CORRECTED]
    replacement = st.fixed_dictionaries(
        {"occurredAt": instant_text(), "data": st.sampled_from(replaceable).flatmap(payload_data)}
    )
    return st.fixed_dictionaries({**common, "action": st.just("RETRACT")}, optional={"approvedBy": IDENTIFIERS}) | (
        st.fixed_dictionaries({**common, "action": st.just("REPLACE"), "replacement": replacement})
    )


@st.composite
def events(draw: st.DrawFn) -> CaseEvent:
    """A valid event with some unknown fields in its data."""
    kind = draw(st.sampled_from(EventType))
    raw = {f"x-{name}": value for name, value in draw(st.dictionaries(IDENTIFIERS, FINITE, max_size=2)).items()}
    # As read from bytes: there 1.0 is 1.
    read = read_object(json.dumps(raw | draw(payload_data(kind))).encode())
    data, data_json = read_payload(kind, read)
    occurred = draw(INSTANTS)
    return CaseEvent(
        source=draw(IDENTIFIERS),
        id=draw(IDENTIFIERS),
        type=kind,
        case_id=draw(IDENTIFIERS),
        occurred_at=occurred,
        emitted_at=occurred + timedelta(seconds=draw(st.integers(0, 10**5))),
        data=data,
        data_json=data_json,
        sequence=draw(st.integers(0, 2**63 - 1)),
        schema_version=draw(st.sampled_from(["1", "1.0", "1.12"])),
        mode=draw(st.sampled_from(ProcessingMode)),
        backfill_run_id=draw(st.none() | IDENTIFIERS),
        source_position=draw(st.none() | IDENTIFIERS),
    )
