"""Snapshot rows to break: one valid row, and frames made of variations of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.runtime.contracts import load_contracts

CONTRACTS = load_contracts(Path(__file__).parents[2] / "contracts" / "datasets")
SNAPSHOT = CONTRACTS["gold/case_daily_snapshot"]
REPORT = CONTRACTS["reports/enforcement_report"]
METRICS = CONTRACTS["gold/breach_metrics"]
CALENDAR = BusinessCalendar("UTC")
DAY = date(2026, 3, 2)


NO_REJECTIONS = {"business_date": pl.Date, "failures": pl.Int64, "shown": pl.Int64, "reads": pl.String}
REJECTION = {
    "business_date": pl.Date,
    "reason": pl.String,
    "source": pl.String,
    "event_id": pl.String,
    "event_type": pl.String,
    "kafka_partition": pl.Int32,
    "kafka_offset": pl.Int64,
    "detail": pl.String,
}
CONFLICT = {
    "business_date": pl.Date,
    "source": pl.String,
    "event_id": pl.String,
    "event_type": pl.String,
    "case_id": pl.String,
    "recorded_date": pl.Date,
    "effective_date": pl.Date,
    "kafka_partition": pl.Int32,
    "kafka_offset": pl.Int64,
}


def nothing_outside(partitions: Iterable[date]) -> dict[str, Any]:
    """What the gate finds of dates without rejected records and conflicts."""
    rows = [{"business_date": day, "failures": 0, "shown": 0, "reads": ""} for day in partitions]
    return {
        "rejections": pl.DataFrame(rows, schema=NO_REJECTIONS),
        "rejections_sample": pl.DataFrame(schema=REJECTION),
        "conflicts": pl.DataFrame(schema=CONFLICT),
    }


def at(day: date = DAY, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


def row(**changes: Any) -> dict[str, Any]:
    """A valid open case of DAY, with changes."""
    valid = {
        "snapshot_date": DAY,
        "case_id": "C-1",
        "case_type": "FRAUD",
        "jurisdiction": "NL",
        "priority": "NORMAL",
        "status": "OPEN",
        "opened_at": at(hour=9),
        "last_event_at": at(hour=9),
        "last_event_type": "CaseOpened",
        "event_count": 1,
        "evidence_count": 0,
        "assignee": None,
        "team": None,
        "escalation_level": 0,
        "clock_state": "NONE",
        "clock_allowed_seconds": None,
        "clock_consumed_seconds": 0,
        "clock_deadline_at": None,
        "breached": False,
        "breached_at": None,
        "decision": None,
        "decision_at": None,
        "penalty_amount": None,
        "currency": None,
        "closed_at": None,
    }
    assert changes.keys() <= valid.keys()
    return valid | changes


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """The rows with the contract's types, without its not-null constraints: the tests break those."""
    nullable = pa.schema([field.with_nullable(True) for field in SNAPSHOT.arrow_schema()])
    made = pl.from_arrow(pa.Table.from_pylist(list(rows), schema=nullable))
    assert isinstance(made, pl.DataFrame)
    return made


def dates(count: int, first: date = DAY) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
