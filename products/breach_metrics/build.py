"""Runs the SQL of the breach metrics on a DuckDB connection that holds its inputs as views.

Views that the caller provides, both with the columns of `gold/case_daily_snapshot`:

- `snapshot_rows`: every day of the quarter;
- `previous_quarter_end`: the day before the quarter; no rows when the register has no such day.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.sql import load

_PACKAGE = "products.breach_metrics"
_INSTANT = pa.timestamp("us", tz="UTC")

METRICS_SCHEMA = pa.schema(
    [
        ("quarter_start", pa.date32()),
        ("case_type", pa.string()),
        ("jurisdiction", pa.string()),
        ("team", pa.string()),
        ("cases", pa.int64()),
        ("cases_with_clock", pa.int64()),
        ("clocks_started", pa.int64()),
        ("clocks_running", pa.int64()),
        ("cases_breached", pa.int64()),
        ("breach_rate", pa.decimal128(9, 6)),
        ("shares_measured", pa.int64()),
        ("consumed_share_p50", pa.decimal128(18, 6)),
        ("consumed_share_p90", pa.decimal128(18, 6)),
    ]
)
"""Nullability is the contract's business, not the transform's: every field may be null here."""


def build_breach_metrics(connection: duckdb.DuckDBPyConnection, quarter: date, calendar: BusinessCalendar) -> pa.Table:
    """The metrics of one quarter, sorted by case type, jurisdiction and team.

    Args:
        connection: with the two views; temporary tables are left in it.
        quarter: the quarter's first date.
        calendar: says at which instant the quarter begins.
    """
    period = {
        "quarter_start": pa.array([quarter], pa.date32()),
        "starts_at": pa.array([calendar.end_of(quarter - timedelta(days=1))], _INSTANT),
    }
    connection.register("period", pa.table(period))
    for step in ("clock_days", "clock_cases"):
        connection.execute(load(_PACKAGE, step))
    return connection.execute(load(_PACKAGE, "metrics")).to_arrow_table().cast(METRICS_SCHEMA)
