"""Types shared by the readers of event logs: requested columns, rows, CSV format. Not here: reading."""

from __future__ import annotations

from dataclasses import dataclass

MAX_FIELD = 1024 * 1024
"""Maximum length of one value, in characters."""
Cells = tuple[str | None, ...]
"""The values of the requested columns, in that order; more cells may follow. None: the row has no such value."""
Row = tuple[int, Cells]
"""The line number in the file, from 1, and the cells."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a mapping reads. A CSV file without the `required` ones does not fit the mapping."""

    names: tuple[str, ...]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Form:
    """The format of a CSV file."""

    encoding: str = "utf-8"
    delimiter: str = ","
