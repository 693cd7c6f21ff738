"""What the gate gathers of a few dates, as rows to vary, and its word on whether every counted fact is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from casegold.domain.contract import DatasetContract, Signal, SourceSignal
from casegold.domain.sql import load
from casegold.quality.results import CheckResult
from casegold.quality.verdict import Waiver
from products.case_daily_snapshot.checks import SnapshotSurroundings, check_facts
from tests.quality.rows import DAY, SNAPSHOT

COUNTED = "urn:regulator:case-system"
"""Required, with control totals."""
SILENT = "urn:regulator:legacy"
"""Declared, never sends a total."""
VOLUNTEER = "urn:regulator:register"
"""Declared, need not count; where it does, it is held to that."""
STRANGER = "urn:somebody:else"
TYPES = ("CaseOpened", "CaseClosed")
CONTRACT = replace(
    SNAPSHOT,
    sources=(
        SourceSignal(COUNTED, Signal.CONTROL_TOTALS, required=True),
        SourceSignal(SILENT, Signal.CLOCK, required=False),
        SourceSignal(VOLUNTEER, Signal.WATERMARK, required=False),
    ),
)
INSTANT = pa.timestamp("us", tz="UTC")
_EVENT = [
    ("source", pa.string()),
    ("event_id", pa.string()),
    ("event_type", pa.string()),
    ("effective_date", pa.date32()),
    ("emitted_at", INSTANT),
]
_PLACE = [("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())]
SCHEMAS = {
    "facts": pa.schema([*_EVENT, ("counts", pa.bool_())]),
    "rejected": pa.schema(
        [
            *_EVENT,
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("ingest_seq", pa.int64()),
            ("kafka_timestamp", INSTANT),
            *_PLACE,
        ]
    ),
    "accepted": pa.schema([("source", pa.string()), ("event_id", pa.string())]),
    "open_conflicts": pa.schema(
        [
            ("source", pa.string()),
            ("event_id", pa.string()),
            ("event_type", pa.string()),
            ("case_id", pa.string()),
            ("effective_date", pa.date32()),
            ("recorded_date", pa.date32()),
            *_PLACE,
        ]
    ),
    "totals": pa.schema(
        [
            ("source", pa.string()),
            ("business_date", pa.date32()),
            ("event_type", pa.string()),
            ("count", pa.int64()),
            ("as_of", INSTANT),
            ("revision", pa.int64()),
        ]
    ),
    "judged": pa.schema(
        [
            ("business_date", pa.date32()),
            ("start_at", INSTANT),
            ("close_seq", pa.int64()),
            ("previous_close_seq", pa.int64()),
        ]
    ),
    "declared": pa.schema([("source", pa.string())]),
    "types": pa.schema([("event_type", pa.string())]),
}
Row = dict[str, Any]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


AS_OF = midnight(DAY + timedelta(days=1)) + timedelta(hours=1)
"""When the counts of DAY are taken."""
FIRST_SEQ, CLOSE_SEQ = 100, 200
"""What came with a sequence number in between came while DAY was open."""


def fact(event_id: str | None, **changes: Any) -> Row:
    return {
        "source": COUNTED,
        "event_id": event_id,
        "event_type": "CaseOpened",
        "effective_date": DAY,
        "emitted_at": AS_OF - timedelta(hours=2),
        "counts": True,
    } | changes


def rejection(event_id: str | None, **changes: Any) -> Row:
    return {
        "source": COUNTED,
        "event_id": event_id,
        "event_type": "CaseOpened",
        "effective_date": DAY,
        "emitted_at": AS_OF - timedelta(hours=2),
        "reason": "INVALID",
        "detail": "priority: 'low' is not one of NORMAL, HIGH",
        "ingest_seq": 150,
        "kafka_timestamp": AS_OF - timedelta(hours=2),
        "kafka_partition": 0,
        "kafka_offset": 7,
    } | changes


def unplaced(**changes: Any) -> Row:
    """A record of which nothing can be read."""
    nothing = {"source": None, "event_type": None, "effective_date": None, "emitted_at": None, "reason": "UNDECODABLE"}
    return rejection(None) | nothing | changes


def conflict(event_id: str, **changes: Any) -> Row:
    return {
        "source": COUNTED,
        "event_id": event_id,
        "event_type": "CaseOpened",
        "case_id": "C-1",
        "effective_date": DAY,
        "recorded_date": DAY,
        "kafka_partition": 0,
        "kafka_offset": 9,
    } | changes


def total(count: int, event_type: str = "CaseOpened", **changes: Any) -> Row:
    return {
        "source": COUNTED,
        "business_date": DAY,
        "event_type": event_type,
        "count": count,
        "as_of": AS_OF,
        "revision": 1,
    } | changes


def totals(opened: int, closed: int = 0, **changes: Any) -> list[Row]:
    return [total(opened, "CaseOpened", **changes), total(closed, "CaseClosed", **changes)]


def closing(day: date, close_seq: int | None = CLOSE_SEQ, previous: int | None = FIRST_SEQ) -> Row:
    return {
        "business_date": day,
        "start_at": midnight(day),
        "close_seq": close_seq,
        "previous_close_seq": previous,
    }


@dataclass
class Gathered:
    """Rows as `gate_views.sql` gives them."""

    facts: Sequence[Row] = ()
    rejected: Sequence[Row] = ()
    open_conflicts: Sequence[Row] = ()
    totals: Sequence[Row] = ()
    accepted_elsewhere: Sequence[Row] = ()
    """Facts in silver under dates that are not judged."""
    judged: Sequence[Row] = (closing(DAY),)

    @property
    def days(self) -> list[date]:
        return [row["business_date"] for row in self.judged]

    @contextmanager
    def engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB with the views that the gate's SQL asks for."""
        ids = [
            {"source": row["source"], "event_id": row["event_id"]} for row in (*self.facts, *self.accepted_elsewhere)
        ]
        given: dict[str, Sequence[Row]] = {
            "facts": self.facts,
            "rejected": self.rejected,
            "accepted": list({(i["source"], i["event_id"]): i for i in ids}.values()),
            "open_conflicts": self.open_conflicts,
            "totals": self.totals,
            "judged": self.judged,
            "declared": [{"source": source} for source in sorted(CONTRACT.source_names)],
            "types": [{"event_type": kind} for kind in TYPES],
        }
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, rows in given.items():
                connection.register(name, pa.Table.from_pylist(list(rows), schema=SCHEMAS[name]))
            yield connection


def judge(
    gathered: Gathered, contract: DatasetContract = CONTRACT, waivers: Sequence[Waiver] = ()
) -> list[CheckResult]:
    """The results of `completeness`, `no_rejected_facts` and `no_open_conflicts` for every judged date."""
    with gathered.engine() as connection:
        connection.execute(load("casegold.quality", "rejections"))
        around = SnapshotSurroundings(
            previous_cases=None,
            corrected_openings=pl.Series([], dtype=pl.String),
            openings=pl.DataFrame(),
            completeness=_frame(connection, "completeness"),
            rejections=_frame(connection, "rejections_counts"),
            rejections_sample=_frame(connection, "rejections_sample"),
            conflicts=_frame(connection, "conflicts"),
            event_types=TYPES,
            waivers=tuple(waivers),
        )
    return list(check_facts(contract, gathered.days, around))


def result(check: str, gathered: Gathered, contract: DatasetContract = CONTRACT, **how: Any) -> CheckResult:
    """That check's result for DAY."""
    return next(r for r in judge(gathered, contract, **how) if r.check == check and r.partition == DAY)


def _frame(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    found = pl.from_arrow(connection.execute(load("casegold.quality", name)).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found
