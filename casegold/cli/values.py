"""How one value is written: for people in a table, for programs in JSON. Not here: tables (`tables`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Any


@dataclass(frozen=True, slots=True)
class Short:
    """An id of which a table shows only a prefix, which every command accepts. JSON has the whole id."""

    text: str
    digits: int = 12

    def __str__(self) -> str:
        return self.text[: self.digits]


@dataclass(frozen=True, slots=True)
class Span:
    """Partitions from `first` to `last`: `2026-01-01 .. 2026-01-31`, or one date; in JSON an object of both."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} .. {self.last}"


class Number(int):
    """An integer that is an id, such as a pid: written without thousands separators."""


class Signed(Decimal):
    """A difference: a table shows its sign, also a plus."""


@dataclass(frozen=True, slots=True)
class Below:
    """Detail rows of one row: a table of their own below the table; in JSON an array inside the object."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def span(first: date | None, last: date | None) -> Span | None:
    """A span of partitions; None without partitions."""
    return None if first is None or last is None else Span(first, last)


def name_of(column: str) -> str:
    """The name of a column in JSON, CSV and `--columns`: `asked by` is `asked_by`."""
    return column.removesuffix("#").replace(" ", "_")


@singledispatch
def cell(value: Any) -> str:
    """A value for a table: instants in UTC to the second, numbers with thousands separators, an empty text for null."""
    return "" if value is None else str(value)


cell.register(datetime, lambda value: f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}")
cell.register(bool, lambda value: "yes" if value else "no")
cell.register(Number, lambda value: f"{value:d}")
cell.register(int, lambda value: f"{value:,}")
cell.register(float, lambda value: f"{value:,.1f}")
cell.register(Signed, lambda value: f"{value:+,f}")
cell.register(Decimal, lambda value: f"{value:,f}")
cell.register(list, lambda value: "; ".join(map(_inner, value)))
cell.register(tuple, lambda value: "; ".join(map(_inner, value)))


def _inner(value: Any) -> str:
    return f"[{', '.join(map(_inner, value))}]" if isinstance(value, (list, tuple)) else cell(value)


@cell.register(Mapping)
def _(value: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {cell(each)}" for name, each in value.items() if each not in ("", None))


@singledispatch
def as_json(value: Any) -> Any:
    """A value for `json`: instants in UTC and dates in ISO 8601, decimals as text with all their digits.

    Raises:
        ValueError: an instant has no time zone.
    """
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


@as_json.register
def _(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


as_json.register(Short, lambda value: value.text)
as_json.register(Span, lambda value: {"first": f"{value.first}", "last": f"{value.last}"})
as_json.register(Below, lambda value: objects(value.columns, value.rows))
as_json.register(Mapping, lambda value: {str(name): as_json(each) for name, each in value.items()})
as_json.register(list, lambda value: [as_json(each) for each in value])
as_json.register(tuple, lambda value: [as_json(each) for each in value])


def objects(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as JSON objects, keyed by column name."""
    names = [name_of(column) for column in columns]
    return [dict(zip(names, map(as_json, row), strict=True)) for row in rows]


def plain(text: str) -> str:
    """A text in which control and format characters are escaped, except line feeds. Text from outside could otherwise
    move the cursor or reverse the reading direction, and show something else than it contains."""
    return "".join(
        char if char == "\n" or not unicodedata.category(char).startswith("C") else f"\\u{ord(char):04x}"
        for char in text
    )
