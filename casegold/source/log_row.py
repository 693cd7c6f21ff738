"""What the readers of event logs agree on: which columns are asked for, and what a row is. Not here: reading."""

from __future__ import annotations

from dataclasses import dataclass

MAX_FIELD = 1024 * 1024
"""Characters of one value."""
Cells = tuple[str | None, ...]
"""The values of the columns asked for, in that order, perhaps with more behind. None: the row has no such value."""
Row = tuple[int, Cells]
"""A line of the file, as a person finds it, and the cells."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a mapping reads. `required`: those without which a CSV file cannot be meant by it."""

    names: tuple[str, ...]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Form:
    """How a CSV file is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
