"""Runs the report's SQL on a DuckDB connection that holds its inputs as views. Not here: the meaning of any figure.

Views that the caller provides, both with the columns of `gold/case_daily_snapshot`:

- `snapshot_rows`: every day of the month;
- `previous_month_end`: the day before the month; no rows when the register has no such day.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.sql import load

_PACKAGE = "products.enforcement_report"
_INSTANT = pa.timestamp("us", tz="UTC")

REPORT_SCHEMA = pa.schema(
    [
        ("report_month", pa.date32()),
        ("dimension", pa.string()),
        ("dimension_value", pa.string()),
        ("measure", pa.string()),
        ("unit", pa.string()),
        ("value", pa.decimal128(28, 2)),
    ]
)
"""Nullability is the contract's business, not the transform's: every field may be null here."""


def build_report(connection: duckdb.DuckDBPyConnection, month: date, calendar: BusinessCalendar) -> pa.Table:
    """The figures of one month, sorted by dimension, group, measure and unit.

    Args:
        connection: with the two views; temporary tables are left in it.
        month: the month's first date.
        calendar: says at which instant the month begins.
    """
    period = {
        "report_month": pa.array([month], pa.date32()),
        "starts_at": pa.array([calendar.end_of(month - timedelta(days=1))], _INSTANT),
    }
    connection.register("period", pa.table(period))
    connection.execute(load("products.case_daily_snapshot", "duckdb_functions"))
    for step in ("case_days", "report_cases", "report_members"):
        connection.execute(load(_PACKAGE, step))
    return connection.execute(load(_PACKAGE, "figures")).to_arrow_table().cast(REPORT_SCHEMA)
