"""Converts the text of a cell to the value of an event field: times, integers, amounts. Not here: which cell, files."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from casegold.source.mapping import Mapping

_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_BELOW_MICROSECONDS = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_CENTS = Decimal("0.01")
_CACHED = 10_000
Instant = tuple[datetime, bool]
"""A time in UTC, and whether digits below microseconds were dropped."""


class Unfit(ValueError):
    """A row that cannot become an event; the caller adds its place. The message says what is wrong."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def time_reader(mapping: Mapping) -> Callable[[str], Instant]:
    """A function that reads times of the log. A time without an offset is in the mapping's zone, where it must exist.

    The function raises ValueError or OverflowError.
    """
    zone, form = mapping.zone, mapping.time_format

    def read(text: str) -> Instant:
        parsed = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        utc = (_in_zone(parsed, zone) if parsed.tzinfo is None else parsed).astimezone(UTC)
        if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
            raise ValueError(f"not of the years {_FIRST_YEAR}-{_LAST_YEAR}")
        return utc, _loses_digits(text) and not form  # strptime refuses more than six decimals itself

    return lru_cache(_CACHED)(read) if form else read  # strptime is ten times slower than the cache


def _loses_digits(text: str) -> bool:
    mark = text.find(".")
    mark = text.find(",") if mark < 0 else mark
    return mark >= 0 and text[mark + 7 : mark + 8].isdigit() and _BELOW_MICROSECONDS.search(text) is not None


def unreadable_time(column: str, text: str, error: Exception) -> Unfit:
    return Unfit(
        f"{column}: the time {text!r} cannot be read: {error}", "set timeFormat in the mapping, or correct the row"
    )


def _in_zone(naive: datetime, zone: ZoneInfo) -> datetime:
    local = naive.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise ValueError(f"it does not exist in {zone.key}: the clocks were put forward")
    return local


def integer(column: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Unfit(f"{column}: {text[:100]!r} is not an integer", "correct the row") from error


def amount(column: str, text: str, decimal: str) -> str:
    """An amount as a plain decimal, although logs write 35.0 and 3.5E1. Never rounded; no thousands separators."""
    try:
        if decimal == ",":
            if "." in text:
                raise InvalidOperation
            number = Decimal(text.replace(",", ".", 1))
        else:
            number = Decimal(text)
        cents = number.quantize(_CENTS)
    except InvalidOperation as error:
        other = "." if decimal == "," else ","
        remedy = f"correct the row, or set `decimal: {other!r}` in the mapping" if other in text else "correct the row"
        raise Unfit(f"{column}: {text[:100]!r} is not an amount", remedy) from error
    if cents != number:
        raise Unfit(f"{column}: {text[:100]!r} has more than two decimals", "correct the row")
    return str(cents)
