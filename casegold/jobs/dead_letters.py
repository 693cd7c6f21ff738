"""Dead letters: rejected records, sent to a topic of their own with the error headers that Kafka Connect uses.

`bronze/rejected_events` and `bronze/rejected_totals` keep the records; the topic is for people and tools that listen.
Delivery is at least once: a commit owes its dead letters until all of them are acknowledged.
"""

from __future__ import annotations

from typing import Any

from casegold.control.ingest import dead_letters
from casegold.domain.errors import SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.domain.sql import query
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.source.codec import Headers
from casegold.source.producer import RecordSender

ROOM = "casegold.jobs"


def send_pending(platform: Platform, topic: str, rejected: str) -> int:
    """Send the dead letters of every commit that still owes them. Return how many were sent.

    Args:
        rejected: the dataset that holds the records.
    """
    with platform.control.read() as connection:
        owed = dead_letters.owed(connection, topic)
    sent = 0
    for seq in owed:
        rows = _rejected(platform, rejected, seq)
        with durable("letters-send", SourceUnavailable), RecordSender(platform.kafka_config) as sender:
            for row in rows:
                sender.send(topic, row["key"], row["value"], _headers(row), row["kafka_timestamp"])
        with platform.control.write("letters-done") as connection:
            dead_letters.done(connection, topic, seq, len(rows))
        sent += len(rows)
    return sent


def _rejected(platform: Platform, dataset: str, seq: int) -> list[dict[str, Any]]:
    with engine(platform) as connection:
        platform.lake.register(connection, "rejected_records", dataset, row_filter=f"ingest_seq = {seq}")
        connection.execute(query(ROOM, "set_seq"), {"value": seq})
        rows: list[dict[str, Any]] = connection.execute(query(ROOM, "rejected_chunk")).to_arrow_table().to_pylist()
        return rows


def _headers(row: dict[str, Any]) -> Headers:
    place = {"topic": row["topic"], "partition": row["kafka_partition"], "offset": row["kafka_offset"]}
    error = {
        **place,
        "stage": "VALUE_CONVERTER" if row["reason"] in {"UNDECODABLE", "INVALID"} else "TASK_PUT",
        "exception.class.name": f"casegold.{row['reason']}",
        "exception.message": row["detail"],
    }
    original = tuple((header["key"], header["value"]) for header in row["headers"] or ())
    return original + tuple((f"__connect.errors.{name}", str(value).encode()) for name, value in error.items())
