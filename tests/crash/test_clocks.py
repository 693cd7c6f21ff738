"""Figures do not depend on the clock of the worker's machine, nor on days that are shorter, longer or rare.

Shifted is what Python reads as the time of day in every module of the product that reads it: when records were received
and recorded, when a report was made. Not shifted are the business clock, which is a stored instant here, Postgres'
clock, which times heartbeats and backoff, Kafka's timestamps, and the monotonic clock.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from importlib import import_module
from typing import Any

import pytest

from casegold.domain.calendar import BusinessCalendar, days
from casegold.jobs import registry
from casegold.runtime.settings import Settings
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
DAY = timedelta(days=1)
CASES, SEED = 25, 4


@dataclass(frozen=True, slots=True)
class Window:
    first: date
    last: date

    @property
    def plan(self) -> Plan:
        return Plan(CASES, (self.last - self.first).days + 1, SEED, self.last, CALENDAR)


LEAP_DAY = Window(date(2024, 2, 24), date(2024, 2, 29))
WINDOWS = {
    "a leap day": (LEAP_DAY, timedelta()),
    "a leap day, the clock ahead": (LEAP_DAY, DAY),
    "a leap day, the clock behind": (LEAP_DAY, -DAY),
    "23 hours, the clock ahead": (Window(date(2024, 3, 29), date(2024, 4, 2)), DAY),
    "25 hours, the clock behind": (Window(date(2024, 10, 25), date(2024, 10, 31)), -DAY),
    "a new year, the clock behind": (Window(date(2023, 12, 29), date(2024, 1, 3)), -DAY),
}


@pytest.fixture(params=WINDOWS)
def case(request: pytest.FixtureRequest) -> tuple[Window, timedelta]:
    return WINDOWS[request.param]


@pytest.fixture
def overrides(case: tuple[Window, timedelta]) -> Mapping[str, str]:
    window, _ = case
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": window.first.isoformat(),
        "business_clock": CALENDAR.end_of(window.last).isoformat(),
    }


@contextmanager
def shifted(shift: timedelta) -> Iterator[None]:
    """Another time of day for every module of the product that knows `datetime`."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one, as others expect
            return datetime.now(tz) + shift

    for job in registry.MODULES.values():
        import_module(job)  # jobs are loaded when they are first needed
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("casegold.") and getattr(module, "datetime", None) is datetime:
                patch.setattr(module, "datetime", Shifted)
        yield


REPORTS: dict[date, list[dict[str, Any]]] = {}
"""The first report that was made of a month; the others are compared with it."""


def test_figures_are_those_of_the_oracle(settings: Settings, case: tuple[Window, timedelta]) -> None:
    window, shift = case
    command("simulate", "--cases", CASES, "--days", window.plan.days, "--seed", SEED, "--until", window.last)
    installation = Installation(settings)
    with shifted(shift):
        executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed

    facts = facts_of(sent.event for sent in simulate(window.plan) if sent.event is not None)
    ends = {day: CALENDAR.end_of(day) for day in days(window.first, window.last)}
    assert installation.rows(SNAPSHOT, window.first, window.last) == snapshots(facts, ends)
    if window is LEAP_DAY:
        month = date(2024, 2, 1)
        report = installation.rows(REPORT, month, month)
        assert report == REPORTS.setdefault(month, report)
    received = installation.platform.lake.table("bronze/case_events").scan(selected_fields=("ingested_at",))
    seen = received.to_arrow()["ingested_at"][0].as_py()
    assert abs(seen - (datetime.now(UTC) + shift)) < timedelta(minutes=10), "the clock was shifted"
