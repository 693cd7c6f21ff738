"""The business calendar and the business clock: which date an instant belongs to, and which dates have ended.

All time-zone arithmetic of the platform happens here, before any SQL: engines disagree about time zones, but not about
dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from casegold.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Dates in one IANA time zone, fixed for the life of an installation."""

    zone_name: str

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigurationError(
                f"{self.zone_name!r} is not an IANA time zone",
                remedy="set CASEGOLD_TIME_ZONE to a name such as Europe/Amsterdam",
            ) from error

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    def date_of(self, instant: datetime) -> date:
        """The business date of an aware instant: the date with the earliest end after it. Raises ValueError if naive.

        This is the local date, except for one minute a year where clocks were set back across midnight (St. John's
        until 2010): there the local date runs backwards, and a snapshot's dates must not.
        """
        if instant.tzinfo is None:
            raise ValueError("naive datetime")
        for end, day in _ends_around(self.zone_name, instant.astimezone(UTC).date()):
            if instant < end:
                return day
        raise AssertionError("no zone is two days away from UTC")

    def end_of(self, day: date) -> datetime:
        """The instant at which `day` ends: 00:00 of the next date in the zone, as UTC.

        Where a clock change skips midnight, this is the first instant of the next date.
        """
        return _end_of(self.zone_name, day)


@lru_cache(maxsize=20_000)
def _end_of(zone_name: str, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=ZoneInfo(zone_name)).astimezone(UTC)


@lru_cache(maxsize=20_000)
def _ends_around(zone_name: str, utc: date) -> tuple[tuple[datetime, date], ...]:
    """The ends, in order, of all dates that an instant of a UTC date can belong to."""
    return tuple((_end_of(zone_name, day), day) for day in days(utc - timedelta(days=2), utc + timedelta(days=2)))


class BusinessClock(Protocol):
    """Decides which dates have ended."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A fixed instant: for historical registers and tests."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def last_date_over(calendar: BusinessCalendar, clock: BusinessClock) -> date:
    """The latest business date that has ended by the clock's current instant."""
    return calendar.date_of(clock.now()) - timedelta(days=1)


def days(first: date, last: date) -> Iterator[date]:
    """Every date from `first` to `last`, both included; nothing when `last < first`."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
