"""Instants as other languages write them: 0 to 9 decimals, any offset, letters of either case."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casegold.domain.events import EventType
from casegold.domain.payload import Invalid, read_instant, read_payload


@st.composite
def written(draw: st.DrawFn) -> tuple[str, datetime]:
    """An instant as text, and what it is: computed from whole numbers, without a parser of dates."""
    day = draw(st.dates(date(1901, 1, 1), date(2998, 12, 31)))
    second = draw(st.integers(0, 86399))
    digits = draw(st.text("0123456789", max_size=9))
    minutes = draw(st.sampled_from([0, 1, -1]) | st.integers(-1439, 1439))
    hour, minute = divmod(abs(minutes), 60)
    zones = [f"{'-' if minutes < 0 else '+'}{hour:02}:{minute:02}"]
    zones += ["Z", "z", "-00:00"] if minutes == 0 else []
    letter, zone = draw(st.sampled_from("Tt")), draw(st.sampled_from(zones))
    fraction = f".{digits}" if digits else ""
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    microseconds = int(Fraction(int(digits or 0), 10 ** len(digits)) * 1_000_000)
    midnight = datetime.combine(day, time(), UTC)
    meant = midnight + timedelta(seconds=second - 60 * minutes, microseconds=microseconds)
    return f"{day}{letter}{clock}{fraction}{zone}", meant


@given(written())
def test_what_is_read_is_what_was_meant(example: tuple[str, datetime]) -> None:
    text, meant = example
    assert read_instant(text, "f") == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-03-01T10:00:00.1234567891Z", "f: 10 decimals of a second, at most 9 are read"),
        ("2024-03-01t10:00:00.123456789123z", "f: 12 decimals of a second"),
        ("2024-03-01T10:00:00.Z", "f: not an ISO 8601 instant with offset"),
        ("2024-03-01T10:00:00,123Z", "f: not an ISO 8601 instant with offset"),
        ("2024-03-01 10:00:00Z", "f: not an ISO 8601 instant with offset"),
        ("2024-03-01T10:00:00.123456789", "f: not an ISO 8601 instant with offset"),
        ("2024-03-01T10:00:60Z", "f: second must be"),
        ("2024-02-30T10:00:00Z", "f: day is out of range"),
        ("1899-12-31T23:59:59.999999999Z", "years 1900-2999"),
    ],
)
def test_what_is_no_instant_is_told(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_instant(text, "f")


def test_the_instants_of_a_payload_are_read_the_same() -> None:
    started = "2024-03-01t10:00:00.123456789z"
    _, canonical = read_payload(EventType.BREACH_CLOCK_STARTED, {"deadlineAt": started})
    assert canonical == '{"deadlineAt":"2024-03-01T10:00:00.123456Z"}'
    replacement = {"occurredAt": started, "data": {"deadlineAt": started}}
    moved = {"correctedEventId": "e", "action": "REPLACE", "reason": "moved", "replacement": replacement}
    _, canonical = read_payload(EventType.CASE_CORRECTED, moved)
    assert canonical.count('"2024-03-01T10:00:00.123456Z"') == 2
