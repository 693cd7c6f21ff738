"""Values in answers: one value, as people read it in a table and as programs read it in JSON. Not here: tables."""

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
    """An id of which people need the beginning only; every command takes a unique beginning. JSON has the whole."""

    text: str
    digits: int = 12

    def __str__(self) -> str:
        return self.text[: self.digits]


@dataclass(frozen=True, slots=True)
class Span:
    """Partitions from `first` to `last`: `2026-01-01 .. 2026-01-31`, or one date; an object of the two in JSON."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} .. {self.last}"


class Number(int):
    """A number that counts nothing, such as that of a process: written without separators."""


class Signed(Decimal):
    """By how much something differs: a table has its sign, a plus, too."""


@dataclass(frozen=True, slots=True)
class Below:
    """Rows that belong to one row: a table of their own below the table, an array within the object in JSON."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def span(first: date | None, last: date | None) -> Span | None:
    """A span of partitions; None for what has no partitions."""
    return None if first is None or last is None else Span(first, last)


def name_of(column: str) -> str:
    """The name of a column in JSON and for `--columns`: `asked by` is `asked_by`."""
    return column.removesuffix("#").replace(" ", "_")


@singledispatch
def cell(value: Any) -> str:
    """A value as people read it: instants in UTC to the second, numbers with separators, nothing for null."""
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
    """A value as `json` can write it: instants in UTC and dates in ISO 8601, decimals as text with all their digits.

    Raises:
        ValueError: an instant without a zone, of which nobody knows when it was.
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
    """Rows as objects, by the names of their columns."""
    names = [name_of(column) for column in columns]
    return [dict(zip(names, map(as_json, row), strict=True)) for row in rows]


def plain(text: str) -> str:
    """Text from outside as characters that can be seen: what would move the cursor or turn the reading direction is
    spelt out, so that nobody reads another text than is there. Line ends stay."""
    return "".join(
        char if char == "\n" or not unicodedata.category(char).startswith("C") else f"\\u{ord(char):04x}"
        for char in text
    )
