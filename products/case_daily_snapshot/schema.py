"""The columns of a snapshot row, in order, as Arrow types."""

from __future__ import annotations

import pyarrow as pa

_INSTANT = pa.timestamp("us", tz="UTC")

SNAPSHOT_SCHEMA = pa.schema(
    [
        ("snapshot_date", pa.date32()),
        ("case_id", pa.string()),
        ("case_type", pa.string()),
        ("jurisdiction", pa.string()),
        ("priority", pa.string()),
        ("status", pa.string()),
        ("opened_at", _INSTANT),
        ("last_event_at", _INSTANT),
        ("last_event_type", pa.string()),
        ("event_count", pa.int64()),
        ("evidence_count", pa.int64()),
        ("assignee", pa.string()),
        ("team", pa.string()),
        ("escalation_level", pa.int32()),
        ("clock_state", pa.string()),
        ("clock_allowed_seconds", pa.int64()),
        ("clock_consumed_seconds", pa.int64()),
        ("clock_deadline_at", _INSTANT),
        ("breached", pa.bool_()),
        ("breached_at", _INSTANT),
        ("decision", pa.string()),
        ("decision_at", _INSTANT),
        ("penalty_amount", pa.decimal128(18, 2)),
        ("currency", pa.string()),
        ("closed_at", _INSTANT),
    ]
)
"""Nullability is the contract's business, not the transform's: every field may be null here."""


def no_rows() -> pa.Table:
    """What `previous_rows` is when nothing was published before: no rows, all columns."""
    return SNAPSHOT_SCHEMA.empty_table()
