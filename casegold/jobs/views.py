"""Gives a DuckDB connection the lake and the control state as the views that transforms and checks read.

All views are limited to the sequence numbers that the run's scope pins. Not here: computing or judging.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from casegold.control.model import PartitionRange, RunManifest
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.errors import CasegoldError, ConfigurationError, SourceUnavailable
from casegold.domain.events import EVENT_TYPES
from casegold.domain.sql import query
from casegold.runtime.contracts import JUDGE
from casegold.runtime.platform import Platform
from casegold.sink.lake import storage_named

ROOM = "casegold.jobs"

_INSTANT = pa.timestamp("us", tz="UTC")

CONTROL_TABLES = {
    "facts_excluded": pa.schema([("source", pa.string()), ("event_id", pa.string())]),
    "facts_open_conflicts": pa.schema(
        [
            ("source", pa.string()),
            ("event_id", pa.string()),
            ("case_id", pa.string()),
            ("event_type", pa.string()),
            ("effective_date", pa.date32()),
            ("recorded_date", pa.date32()),
            ("kafka_partition", pa.int32()),
            ("kafka_offset", pa.int64()),
        ]
    ),
    "facts_closes": pa.schema(
        [("business_date", pa.date32()), ("close_seq", pa.int64()), ("previous_close_seq", pa.int64())]
    ),
    "facts_totals": pa.schema(
        [
            ("source", pa.string()),
            ("business_date", pa.date32()),
            ("event_type", pa.string()),
            ("count", pa.int64()),
            ("as_of", _INSTANT),
            ("revision", pa.int64()),
        ]
    ),
}
VIEW_NAMES = {
    "facts_excluded": "excluded_facts",
    "facts_open_conflicts": "open_conflicts",
    "facts_totals": "totals",
    "facts_closes": "day_closes",
}


@dataclass(frozen=True, slots=True)
class Pins:
    """What a run computes from: pinned sequence numbers, and the range of dates."""

    partitions: PartitionRange
    admitted_seq: int
    totals_seq: int

    @classmethod
    def of(cls, manifest: RunManifest) -> Pins:
        """The pins in a manifest's scope."""
        first, last = (date.fromisoformat(text) for text in manifest.scope["partitions"])
        return cls(PartitionRange(first, last), manifest.scope["admitted_seq"], manifest.scope["totals_seq"])


@contextmanager
def engine(platform: Platform) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection for one run, with the memory limit of the settings; it spills below the installation's home.

    Raises:
        SourceUnavailable: a file cannot be read or written, or there is no space to spill to.
        ConfigurationError: the memory limit is too low for what cannot be spilled.
    """
    spill = platform.settings.home / "spill"
    with storage_named(str(spill)):
        spill.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": platform.settings.duckdb_memory_limit,
        "threads": platform.settings.duckdb_threads,
        "temp_directory": str(spill),
    }
    connection = duckdb.connect(config=config)
    connection.execute("set TimeZone = 'UTC'")
    # DuckDB 1.5 pushes a join's Bloom filter into scans of Arrow tables and then fails: "not currently supported".
    connection.execute("set disabled_optimizers = 'join_filter_pushdown'")
    try:
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise _out_of_memory(platform, spill, str(error).partition("\n")[0]) from error
    except duckdb.IOException as error:
        raise SourceUnavailable(
            f"DuckDB cannot read or write a file: {error}",
            remedy="is the warehouse reachable, and is there space left? The next attempt starts over",
        ) from error
    finally:
        connection.close()


def _out_of_memory(platform: Platform, spill: Path, reported: str) -> CasegoldError:
    """The error for DuckDB's out-of-memory. DuckDB reports a full disk alike, and blames a setting we do not use."""
    limit = f"CASEGOLD_DUCKDB_MEMORY_LIMIT={platform.settings.duckdb_memory_limit}"
    if "offload" in reported:
        return SourceUnavailable(
            f"no space is left in {spill}, where DuckDB puts what {limit} does not hold: {reported}",
            remedy="make space there: the next attempt starts over, official versions are untouched",
        )
    return ConfigurationError(
        f"{limit} does not suffice: {reported}", remedy="raise it or lower CASEGOLD_DUCKDB_THREADS, then retry the run"
    )


def register_facts(connection: duckdb.DuckDBPyConnection, platform: Platform, pins: Pins) -> None:
    """The views `admitted_facts`, `business_days`, and those that the gate's SQL reads (the query `gate_views`)."""
    first, last = pins.partitions.first, pins.partitions.last
    for name, value in (("admitted_seq", pins.admitted_seq), ("first", first), ("last", last)):
        connection.execute(query(ROOM, f"set_{name}"), {"value": value})
    parameters = {"admitted_seq": pins.admitted_seq, "totals_seq": pins.totals_seq, "first": first, "last": last}
    with platform.control.read() as control:
        for name, schema in CONTROL_TABLES.items():
            rows = control.execute(query(ROOM, name), parameters).fetchall()
            connection.register(VIEW_NAMES[name], pa.Table.from_pylist(rows, schema=schema))
    platform.lake.register(connection, "silver_case_events", "silver/case_events")
    platform.lake.register(connection, "bronze_rejected_events", "bronze/rejected_events")
    connection.register("business_days", business_days(platform.calendar, first - timedelta(days=1), last))
    sources = sorted(platform.contracts[JUDGE].source_names)
    connection.register("declared", pa.table({"source": pa.array(sources, pa.string())}))
    connection.register("types", pa.table({"event_type": pa.array(EVENT_TYPES, pa.string())}))
    connection.execute(query(ROOM, "admitted_facts"))
    connection.execute(query(ROOM, "gate_views"))


def business_days(calendar: BusinessCalendar, first: date, last: date) -> pa.Table:
    """Columns `business_date, end_at`: every date from `first` to `last`."""
    dates = list(days(first, last))
    ends = [calendar.end_of(day) for day in dates]
    return pa.table({"business_date": pa.array(dates, pa.date32()), "end_at": pa.array(ends, _INSTANT)})


def frame(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """The result of a query as an eager polars frame."""
    found = pl.from_arrow(connection.execute(sql).to_arrow_table())
    assert isinstance(found, pl.DataFrame)  # noqa: S101 - a table never becomes a series
    return found
