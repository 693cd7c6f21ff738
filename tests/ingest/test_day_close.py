"""Days close in order, once every signal has arrived and silver has reached what lay before it; and not earlier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from casegold.control import installation
from casegold.control.db import ControlDb
from casegold.domain.calendar import days
from casegold.domain.contract import Contracts, Signal, SourceSignal
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import EVENT_TYPES, CaseClosed, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.jobs import day_close
from casegold.jobs.day_close import close_days, close_overdue
from casegold.runtime.contracts import JUDGE
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding, encode
from tests.ingest.register import EVENTS, SOURCE, TOTALS, next_attempt, read, send, send_totals, total, totals_of

FIRST = date(2026, 3, 27)
"""Three days before the clocks change in Amsterdam."""
ZONE = "Europe/Amsterdam"


def _day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


@pytest.fixture
def overrides() -> dict[str, str]:
    return {"time_zone": ZONE, "business_clock": "2026-03-30T12:00:00+02:00"}


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _send_events(platform: Platform, count: int = 5) -> None:
    """Records that move offsets; what they mean is not of interest here."""
    send(platform, platform.settings.events_topic, [(str(number).encode(), b"{}") for number in range(count)])


def _begin(platform: Platform) -> None:
    """The ingest looks at the topic for the first time, and finds it empty."""
    assert next_attempt(platform, EVENTS) is None


def _count(platform: Platform, numbers: Sequence[int]) -> None:
    send_totals(platform, totals_of(_day(number) for number in numbers))
    read(platform, TOTALS)


def _closed(platform: Platform) -> list[dict[str, Any]]:
    return platform.control.rows("select * from day_close order by business_date")


def _dates(platform: Platform) -> list[date]:
    return [row["business_date"] for row in _closed(platform)]


def test_an_interrupted_load_closes_nothing(platform: Platform) -> None:
    _begin(platform)
    _send_events(platform)
    report = close_days(platform)
    assert (report.closed, report.next_date) == ((), None)
    send_totals(platform, [total(_day(1), kind) for kind in EVENT_TYPES[:-1]])
    read(platform, TOTALS)
    report = close_days(platform)
    assert (report.closed, report.next_date) == ((), _day(1))
    assert report.waits_for == f"control totals of {SOURCE} for {EVENT_TYPES[-1]}"
    assert platform.control.rows("select * from day_barrier") == []


def test_dates_close_once_silver_has_reached_what_was_sent_before_the_signal(platform: Platform) -> None:
    _send_events(platform)
    read(platform, EVENTS)
    _send_events(platform)
    _count(platform, [1, 2, 3])
    report = close_days(platform)
    assert (report.closed, report.next_date, report.waits_for) == ((), _day(1), "silver to read 5 more offsets")
    read(platform, EVENTS)
    _send_events(platform)  # what is sent after the signals delays nothing
    assert close_days(platform).closed == (_day(1), _day(2), _day(3))
    assert close_days(platform) == day_close.DayCloseReport((), None, "")
    rows = _closed(platform)
    assert [row["previous_date"] for row in rows] == [None, _day(1), _day(2)]
    assert {(row["close_seq"], row["totals_seq"], row["closed_by"]) for row in rows} == {(2, 1, "casegold")}
    assert sum(place["offset"] for place in rows[0]["barrier"]) == 10
    assert rows[0]["signals"] == [{"source": SOURCE, "signal": "controlTotals", "totals_seq": 1}]


def test_dates_close_without_gaps(platform: Platform) -> None:
    _begin(platform)
    _count(platform, [1, 3])
    report = close_days(platform)
    assert (report.closed, report.next_date) == ((_day(1),), _day(2))
    assert report.waits_for == f"control totals of {SOURCE}"
    assert close_days(platform).closed == ()
    _count(platform, [2])
    assert close_days(platform).closed == (_day(2), _day(3))


def test_many_who_close_at_once_close_each_date_once(platform: Platform) -> None:
    _begin(platform)
    _count(platform, [1, 2, 3])
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: close_days(platform), range(4)))
    assert sorted(day for report in reports for day in report.closed) == [_day(1), _day(2), _day(3)]


def test_totals_before_the_first_date_begin_no_register(platform: Platform) -> None:
    _begin(platform)
    send_totals(platform, totals_of([date(1999, 12, 31)]))
    read(platform, TOTALS)
    assert close_days(platform).next_date is None


def test_a_date_is_over_at_its_local_end(platform: Platform) -> None:
    _begin(platform)
    _count(platform, [1, 2, 3, 4])
    installation.set_business_clock(platform.control, "2026-03-28T22:59:59.999999Z", "test")
    assert close_days(platform).closed == (_day(1),)
    installation.set_business_clock(platform.control, "2026-03-28T23:00:00Z", "test")
    assert close_days(platform).closed == (_day(2),)
    installation.set_business_clock(platform.control, "2026-03-29T21:59:59Z", "test")  # a day of 23 hours
    assert close_days(platform).closed == ()
    installation.set_business_clock(platform.control, "2026-03-29T22:00:00Z", "test")
    assert close_days(platform).closed == (_day(3),)


def test_a_register_of_years_closes_in_seconds(platform: Platform) -> None:
    first = date(2013, 1, 1)
    _begin(platform)
    send_totals(platform, totals_of(days(first, first + timedelta(days=4749))))
    assert read(platform, TOTALS).summary["accepted"] == 4750 * 9
    begun = time.monotonic()
    assert len(close_days(platform).closed) == 4750
    assert time.monotonic() - begun < 15
    begun = time.monotonic()
    assert close_days(platform).closed == ()
    assert time.monotonic() - begun < 2


def test_another_epoch_needs_a_barrier_of_its_own(platform: Platform) -> None:
    _begin(platform)
    _send_events(platform)
    _count(platform, [1])
    assert close_days(platform).closed == ()
    with platform.control.write("by a test") as connection:
        connection.execute(
            "insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)"
            " select topic, 2, cluster_id, topic_id, 'test' from source_epoch where topic = %s",
            (platform.settings.events_topic,),
        )
    assert close_days(platform).waits_for == "silver to read 5 more offsets"
    assert {row["barrier"][0]["epoch"] for row in platform.control.rows("select barrier from day_barrier")} == {2}
    read(platform, EVENTS)
    assert close_days(platform).closed == (_day(1),)


def _waiting_for(platform: Platform, *signals: SourceSignal) -> Platform:
    """The same installation under a contract with other signals."""
    changed = (
        replace(contract, sources=signals, first_date=FIRST)
        if contract.dataset == JUDGE
        else replace(contract, first_date=FIRST)
        for contract in platform.contracts
    )
    return replace(platform, contracts=Contracts(changed))


def test_every_required_source_is_waited_for(platform: Platform) -> None:
    two = _waiting_for(
        platform,
        SourceSignal(SOURCE, Signal.CONTROL_TOTALS, required=True),
        SourceSignal("urn:another", Signal.CONTROL_TOTALS, required=True),
        SourceSignal("urn:optional", Signal.CONTROL_TOTALS, required=False),
    )
    _begin(platform)
    _count(platform, [1, 2])
    assert close_days(two).next_date is None
    send_totals(platform, totals_of([_day(2)], "urn:another"))
    read(two, TOTALS)
    assert close_days(two).closed == (_day(2),)


def test_a_source_may_be_trusted_by_the_clock_alone(platform: Platform) -> None:
    by_clock = _waiting_for(platform, SourceSignal(SOURCE, Signal.CLOCK, required=True))
    assert close_days(by_clock).waits_for == "the events topic was not read yet"
    _begin(platform)
    assert close_days(by_clock).closed == (_day(1), _day(2), _day(3))
    assert _closed(platform)[0]["signals"] == [{"source": SOURCE, "signal": "clock"}]


def test_a_watermark_is_the_date_that_every_partition_has_reached(platform: Platform) -> None:
    by_watermark = _waiting_for(platform, SourceSignal(SOURCE, Signal.WATERMARK, required=True))
    cases = [f"case-{number}" for number in range(20)]
    _send_closings(platform, cases[:1], _day(3))
    read(platform, EVENTS)
    assert close_days(by_watermark).closed == ()
    _send_closings(platform, cases, _day(3))
    read(platform, EVENTS)
    assert close_days(by_watermark).closed == (_day(1), _day(2))


def _send_closings(platform: Platform, cases: Sequence[str], day: date) -> None:
    payload = CaseClosed(reason="done")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    events = [
        CaseEvent(
            source=SOURCE,
            id=f"{case}-{day}",
            type=EventType.CASE_CLOSED,
            case_id=case,
            occurred_at=noon,
            emitted_at=noon,
            data=payload,
            data_json=payload_json(payload),
        )
        for case in cases
    ]
    encoded = [encode(event, Encoding.STRUCTURED, default_source=SOURCE) for event in events]
    send(platform, platform.settings.events_topic, [(each.key, each.value) for each in encoded])


def test_a_person_closes_an_overdue_date(platform: Platform, control: ControlDb) -> None:
    _begin(platform)
    _count(platform, [1, 3])
    close_days(platform)
    with pytest.raises(ConfigurationError, match=f"{_day(2)} is"):
        close_overdue(platform, _day(3), "out of order", 0)
    with pytest.raises(ConfigurationError, match="not over"):
        close_overdue(platform, _day(4), "too early", 0)
    _send_events(platform, 3)
    with pytest.raises(ConfigurationError, match="silver has 3 offsets to read"):
        close_overdue(platform, _day(2), "too early", 0)
    assert close_days(platform).closed == ()  # what a person tried does not count as a signal
    read(platform, EVENTS)
    close_overdue(platform, _day(2), "the source is gone", 0)
    row = _closed(platform)[1]
    user = control.rows("select session_user as name")[0]["name"]
    assert (row["business_date"], row["closed_by"], row["reason"]) == (_day(2), user, "the source is gone")
    assert row["signals"][0]["missing"] == sorted(EVENT_TYPES)
    assert close_days(platform).closed == (_day(3),)
    assert _dates(platform) == [_day(1), _day(2), _day(3)]
