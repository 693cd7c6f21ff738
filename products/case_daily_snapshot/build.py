"""Runs the snapshot SQL on a DuckDB connection that holds the inputs as views. Not here: any rule about cases.

Views that the caller provides:

- `admitted_facts`: all admitted silver rows (`find_affected_cases` only).
- `silver_facts`: every admitted silver row, whatever its date, of the cases in `affected_cases`.
- `previous_rows`: the snapshot rows of all cases on the date before the range; `schema.no_rows()` when there is none.
- `business_days(business_date date, end_at timestamptz)`: the dates to build and the one before them.

Tables left behind: `affected_cases`, `corrections`, `overruled_corrections`, `folded_states`, `carried_states`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from casegold.domain.errors import InvariantBroken
from casegold.domain.sql import load
from products.case_daily_snapshot.corrections import EventKey, overrule
from products.case_daily_snapshot.schema import SNAPSHOT_SCHEMA

_PACKAGE = "products.case_daily_snapshot"
_OVERRULED = pa.schema([("source", pa.string()), ("event_id", pa.string()), ("verdict", pa.string())])


def find_affected_cases(connection: duckdb.DuckDBPyConnection, first: date | None, last: date) -> int:
    """Make the table `affected_cases(case_id)`: the cases that have to be folded for the dates `first` to `last`.

    Args:
        first: the first date to build; None for a build from scratch, where nothing can be carried.

    Returns:
        How many cases there are.
    """
    _run(connection, "duckdb_functions")
    connection.execute(load(_PACKAGE, "affected_cases"), {"first": first or date.min, "last": last})
    return _count(connection, "affected_case_count")


def build_states(connection: duckdb.DuckDBPyConnection) -> None:
    """Fold the affected cases and read the others back from the previous rows, once for a whole range of dates.

    Raises:
        InvariantBroken: the previous rows are of several dates, or `business_days` lacks the end of their date.
    """
    _run(connection, "duckdb_functions")
    _refuse_misplaced_previous_rows(connection)
    _resolve_corrections(connection)
    for step in ("corrections_in_force", "effective_facts", "progress", "clock_states", "folded_states"):
        _run(connection, step)
    _run(connection, "carried_states")
    _run(connection, "forget_steps")


def snapshot_rows(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> pa.Table:
    """The snapshot rows of `first` to `last`, sorted by date and case, after `build_states`. One table in memory.

    Raises:
        InvariantBroken: `business_days` lacks one of the dates.
    """
    days = connection.execute(load(_PACKAGE, "day_count"), {"first": first, "last": last}).fetchall()[0][0]
    if days != (last - first).days + 1:
        raise InvariantBroken(f"business_days has {days} of the dates {first} to {last}")
    rows = connection.execute(load(_PACKAGE, "snapshot_rows"), {"first": first, "last": last})
    return rows.to_arrow_table().cast(SNAPSHOT_SCHEMA)


def chunks(
    connection: duckdb.DuckDBPyConnection, first: date, last: date, *, max_rows: int
) -> Iterator[tuple[date, date]]:
    """Cut `first` to `last` into ranges of at most `max_rows` rows each, but of one date at least."""
    step = max(1, max_rows // max(1, _count(connection, "case_count")))
    while first <= last:
        end = min(last, first + timedelta(days=step - 1))
        yield first, end
        first = end + timedelta(days=1)


def open_corrections(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The corrections in the view `silver_facts` that have no effect and were not retracted, with the reason.

    Independent of `build_states`; for a standing check `silver_facts` is all of silver. Columns: source, event_id,
    case_id, occurred_at, corrected_event_id, correction_action, reason: UNKNOWN_TARGET (it waits), or why it cannot
    apply: OTHER_CASE, UNKNOWN_ACTION, REPLACES_CORRECTION, INVALID_REPLACEMENT, CYCLE.
    """
    _run(connection, "duckdb_functions")
    _resolve_corrections(connection)
    return connection.execute(load(_PACKAGE, "open_corrections")).to_arrow_table()


def _resolve_corrections(connection: duckdb.DuckDBPyConnection) -> None:
    _run(connection, "known_facts")
    _run(connection, "corrections")
    rows = connection.execute(load(_PACKAGE, "retractions_of_corrections")).fetchall()
    retractions: dict[EventKey, EventKey] = {(source, event): (source, target) for source, event, target in rows}
    verdicts = [
        {"source": source, "event_id": event_id, "verdict": verdict.value}
        for (source, event_id), verdict in overrule(retractions).items()
    ]
    connection.register("overruled_corrections", pa.Table.from_pylist(verdicts, schema=_OVERRULED))


def _refuse_misplaced_previous_rows(connection: duckdb.DuckDBPyConnection) -> None:
    dates = connection.execute(load(_PACKAGE, "previous_dates")).fetchall()
    if len(dates) > 1:
        raise InvariantBroken(f"previous rows are of {len(dates)} dates, {dates[0][0]} to {dates[-1][0]}")
    if dates and dates[0][1] is None:
        raise InvariantBroken(f"business_days lacks {dates[0][0]}, the date of the previous rows")


def _run(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(load(_PACKAGE, name))


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(connection.execute(load(_PACKAGE, name)).fetchall()[0][0])
