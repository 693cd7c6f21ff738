"""Bronze records of a test, in the shortest words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from casegold.sink.tables import BRONZE_SCHEMA

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


def records(seq: int, count: int = 3, day: date = DAY) -> pa.Table:
    """Some records of one append, in two Kafka partitions."""
    row: dict[str, Any] = {
        "cluster_id": "c",
        "topic": "t",
        "topic_id": "i",
        "kafka_timestamp": NOW,
        "value": b"{}",
        "headers": [{"key": "ce_id", "value": b"1"}, {"key": "none", "value": None}],
        "ingest_seq": seq,
        "ingested_at": NOW,
        "ingest_date": day,
    }
    rows = [{**row, "kafka_partition": n % 2, "kafka_offset": seq * 100 - n} for n in range(count)]
    return pa.Table.from_pylist(rows, BRONZE_SCHEMA)
