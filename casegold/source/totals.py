"""Control totals: how many events of each type a source counted for a date. Not here: sending them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Protocol

import msgspec

from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.events import EVENT_TYPES, EventType
from casegold.domain.identity import canonical_instant, canonical_json


class ControlTotal(msgspec.Struct, frozen=True):
    """The number of events of one type that occurred on a business date, as the source counted it at `as_of`."""

    source: str
    business_date: date
    event_type: str
    count: int
    as_of: datetime
    revision: int

    def key(self) -> bytes:
        return self.source.encode()

    def value(self) -> bytes:
        return canonical_json(
            {
                "source": self.source,
                "businessDate": self.business_date.isoformat(),
                "eventType": self.event_type,
                "count": self.count,
                "asOf": canonical_instant(self.as_of),
                "revision": self.revision,
            }
        ).encode()


class Countable(Protocol):
    """Something that can be counted: an event, or the result of checking one."""

    @property
    def type(self) -> EventType: ...

    @property
    def occurred_at(self) -> datetime: ...


class Tally:
    """Counts events of one source by business date and type. Memory: one number per date and type that occurs."""

    def __init__(self, source: str, calendar: BusinessCalendar) -> None:
        self._source = source
        self._calendar = calendar
        self._counts: Counter[tuple[date, str]] = Counter()
        self._instant: datetime | None = None
        self._date = date.min

    def add(self, event: Countable) -> None:
        if event.occurred_at is not self._instant:  # events of one row share the instant, and a date lookup is slow
            self._instant, self._date = event.occurred_at, self._calendar.date_of(event.occurred_at)
        key = self._date, event.type.value
        self._counts[key] = self._counts.get(key, 0) + 1

    @property
    def events(self) -> int:
        return self._counts.total()

    def by_type(self) -> dict[str, int]:
        found = Counter[str]()
        for (_, kind), count in self._counts.items():
            found[kind] += count
        return {kind: found[kind] for kind in EVENT_TYPES}

    def span(self) -> tuple[date, date] | None:
        """First and last date with an event; None without events."""
        dates = {day for day, _ in self._counts}
        return (min(dates), max(dates)) if dates else None

    def totals(
        self, first: date, last: date, *, as_of: datetime, revision: int, wrong: date | None = None
    ) -> Iterator[ControlTotal]:
        """A total for every date from `first` to `last` and every type, zeros included.

        `wrong`: a date whose totals are one too high, to demonstrate a mismatch.
        """
        for day in days(first, last):
            for kind in EVENT_TYPES:
                count = self._counts.get((day, kind), 0)
                yield ControlTotal(self._source, day, kind, count + (day == wrong), as_of, revision)
