"""A check that a contract states itself: a number of the rows of a partition, and what it must be. ODCS' words.

Not here: where it is written (`odcs`), making it (`quality.declared`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Metric(StrEnum):
    """Of the standard's library."""

    NULL_VALUES = "nullValues"
    """Rows in which the column is null."""
    DUPLICATE_VALUES = "duplicateValues"
    """Values of the column, nulls aside, that more than one row has."""
    ROW_COUNT = "rowCount"


OPERATORS: Mapping[str, tuple[str, Callable[[Decimal, tuple[Decimal, ...]], bool]]] = {
    "mustBe": ("must be {}", lambda value, limits: value == limits[0]),
    "mustNotBe": ("must not be {}", lambda value, limits: value != limits[0]),
    "mustBeGreaterThan": ("must be greater than {}", lambda value, limits: value > limits[0]),
    "mustBeGreaterOrEqualTo": ("must be at least {}", lambda value, limits: value >= limits[0]),
    "mustBeLessThan": ("must be less than {}", lambda value, limits: value < limits[0]),
    "mustBeLessOrEqualTo": ("must be at most {}", lambda value, limits: value <= limits[0]),
    "mustBeBetween": ("must be from {} to {}", lambda value, limits: limits[0] <= value <= limits[1]),
    "mustNotBeBetween": ("must not be from {} to {}", lambda value, limits: not limits[0] <= value <= limits[1]),
}
"""The standard's comparisons: how people read each, and whether a value keeps it. Both ends belong to a range."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One of a query and a metric; the column is that of a metric, where it needs one."""

    operator: str
    limits: tuple[Decimal, ...]
    query: str = ""
    """SQL that gives one number; `${table}` stands for the rows of the partition."""
    metric: Metric | None = None
    column: str | None = None

    @property
    def expected(self) -> str:
        """What must be, as people read it."""
        return OPERATORS[self.operator][0].format(*self.limits)

    def holds(self, value: Decimal) -> bool:
        """Whether the number is as it must be."""
        return OPERATORS[self.operator][1](value, self.limits)
