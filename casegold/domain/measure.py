"""A check that a contract defines: a number measured on the rows of a partition, and its limits, in ODCS terms.

Not here: parsing it (`odcs_measure`), evaluating it (`quality.declared`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Metric(StrEnum):
    """Metrics of the ODCS library."""

    NULL_VALUES = "nullValues"
    """Rows in which the column is null."""
    DUPLICATE_VALUES = "duplicateValues"
    """Distinct non-null values of the column that occur in more than one row."""
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
"""The ODCS comparisons: text for people, and whether a value satisfies it. A range includes both ends."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What to measure, by either a query or a metric (with its column, if it needs one), and the limits."""

    operator: str
    limits: tuple[Decimal, ...]
    query: str = ""
    """SQL that returns one number; `${table}` stands for the rows of the partition."""
    metric: Metric | None = None
    column: str | None = None

    @property
    def expected(self) -> str:
        """The expected value as text for people."""
        return OPERATORS[self.operator][0].format(*self.limits)

    def holds(self, value: Decimal) -> bool:
        """Whether the value satisfies the comparison."""
        return OPERATORS[self.operator][1](value, self.limits)
