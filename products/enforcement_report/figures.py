"""The report's table as figures to look up, and figures as text for people. Not here: any page or file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa

MEASURES = {
    "OPEN_AT_START": "Open at start",
    "OPENED": "Opened",
    "REOPENED": "Reopened",
    "CLOSED": "Closed",
    "OPEN_AT_END": "Open at end",
    "ESCALATED": "Escalated",
    "BREACHED": "Breached",
    "DECIDED": "Decided",
    "MEDIAN_DAYS_TO_DECISION": "Median days to decision",
}
"""The measures of every group, in reading order. Penalties have a row for each currency besides."""

DIMENSIONS = {"CASE_TYPE": "Case type", "JURISDICTION": "Jurisdiction", "TEAM": "Team"}


@dataclass(frozen=True, slots=True)
class Figures:
    """One month's figures by (dimension, group, measure, unit)."""

    month: date
    values: dict[tuple[str, str, str, str], Decimal | None]

    @classmethod
    def of(cls, table: pa.Table, month: date) -> Figures:
        """The figures of `month` in the report's table."""
        rows = [row for row in table.to_pylist() if row["report_month"] == month]
        return cls(
            month,
            {(r["dimension"], r["dimension_value"], r["measure"], r["unit"]): r["value"] for r in rows},
        )

    def get(self, measure: str, dimension: str = "TOTAL", group: str = "") -> Decimal | None:
        """A figure in its only unit; None when it has no value."""
        return self.values.get((dimension, group, measure, unit_of(measure)))

    def count(self, measure: str, dimension: str = "TOTAL", group: str = "") -> int:
        """A number of cases."""
        return int(self.get(measure, dimension, group) or 0)

    def groups(self, dimension: str) -> list[str]:
        """The groups of a dimension, those with most open cases first."""
        names = {group for of, group, *_ in self.values if of == dimension}
        return sorted(names, key=lambda name: (-self.count("OPEN_AT_END", dimension, name), name))

    def currencies(self) -> list[str]:
        """The currencies in which penalties were imposed."""
        return sorted({unit for dimension, _, measure, unit in self.values if measure == "PENALTIES"})

    def penalty(self, currency: str, dimension: str = "TOTAL", group: str = "") -> Decimal | None:
        """Penalties imposed in one currency; None when there are none."""
        return self.values.get((dimension, group, "PENALTIES", currency))


def unit_of(measure: str) -> str:
    """The only unit of one of `MEASURES`."""
    return "days" if measure == "MEDIAN_DAYS_TO_DECISION" else "cases"


def number(value: Decimal | None, unit: str) -> str:
    """A value as people read it: counts whole, all else with two decimals, an en dash for none."""
    if value is None:
        return "–"  # noqa: RUF001 - the dash is meant
    return f"{int(value):,}" if unit == "cases" else f"{value:,.2f}"
