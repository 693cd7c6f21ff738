"""The measured steps, each in a separate process: `python -m benchmarks.steps NAME` prints JSON.

They use the installation that the settings name. Not here: servers, events and the comparison (`__main__`).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition
from pyiceberg.catalog.sql import SqlCatalog

from casegold.control.model import Attempt
from casegold.jobs.ingest_pipelines import DATASETS
from casegold.runtime.platform import Platform, open_platform
from casegold.scheduling.ticks import day_close_tick, domain_tick, planner_tick
from casegold.scheduling.worker import execute
from casegold.sink.lake import local_path
from casegold.source.kafka import describe_topic

Figures = dict[str, Any]
BATCH = 100_000


def ingest(platform: Platform) -> Figures:
    """Kafka to bronze to silver, and the control totals: everything that the domain sensors request."""
    work(platform, lambda: [attempt for dataset in DATASETS for attempt in domain_tick(platform, dataset)])
    (row,) = platform.control.rows(
        "select sum(records)::bigint as rows from ingest_commit where dataset like 'silver%'"
    )
    return {"rows": row["rows"]}


def publish(platform: Platform) -> Figures:
    """Day close, snapshots with gate and publication, reports: everything that the planner requests."""

    def close_and_plan() -> list[Attempt]:
        day_close_tick(platform)
        return planner_tick(platform)

    work(platform, close_and_plan)
    (row,) = platform.control.rows(
        "select sum(row_count)::bigint as rows from partition_state where dataset = 'gold/case_daily_snapshot'"
    )
    return {"rows": row["rows"]}


def tick(platform: Platform) -> Figures:
    """One tick of the domain sensor, whatever the topic contains."""
    describe_topic(platform.kafka_config, platform.settings.events_topic)
    begun = time.perf_counter()
    for _ in range(5):
        domain_tick(platform, DATASETS[0])
    return {"rows": 0, "tick_seconds": (time.perf_counter() - begun) / 5}


def plain_loop(platform: Platform) -> Figures:
    """A lower bound for ingest: consume, json.loads, append. No deduplication, no validation, no restart."""
    state = describe_topic(platform.kafka_config, platform.settings.events_topic)
    schema = pa.schema([("key", pa.string()), ("value", pa.string()), ("fields", pa.int64())])
    catalog = SqlCatalog("plain", uri=platform.settings.catalog_url(), warehouse=platform.settings.warehouse_url())
    catalog.create_namespace_if_not_exists("plain")
    table = catalog.create_table_if_not_exists("plain.events", schema)
    consumer = Consumer({**platform.kafka_config, "group.id": "plain", "enable.auto.commit": False})
    consumer.assign([TopicPartition(state.topic, p, start) for p, start in state.starts.items()])
    wanted, rows, read = sum(state.ends.values()) - sum(state.starts.values()), [], 0
    while read < wanted:
        for message in consumer.consume(10_000, timeout=0.2):
            value = (message.value() or b"").decode(errors="replace")
            rows.append({"key": str(message.key()), "value": value, "fields": _fields(value)})
            read += 1
        if len(rows) >= BATCH or read >= wanted:
            table.append(pa.Table.from_pylist(rows, schema=schema))
            rows = []
    consumer.close()
    return {"rows": read}


def _fields(value: str) -> int:
    try:
        return len(json.loads(value))
    except ValueError:
        return 0


def plain_scan(platform: Platform) -> Figures:
    """A lower bound for snapshots: one DuckDB pass over every column of silver, without keeping rows in memory."""
    paths = [local_path(file.file_path) for file in platform.lake.data_files("silver/case_events")]
    with duckdb.connect(config={"threads": platform.settings.duckdb_threads}) as connection:
        relation = connection.read_parquet(paths)
        counted = relation.aggregate(", ".join(f"max({name})" for name in relation.columns) + ", count(*)").fetchone()
    return {"rows": counted[-1] if counted else 0}


def work(platform: Platform, ticks: Callable[[], list[Attempt]]) -> None:
    """Execute the attempts that a tick requests, until it requests none."""
    while attempts := ticks():
        for attempt in attempts:
            done = execute(platform, attempt)
            if done.exit_class:
                raise SystemExit(f"{attempt.dataset}: {done.message}")


STEPS: dict[str, Callable[[Platform], Figures]] = {
    "ingest": ingest,
    "publish": publish,
    "tick": tick,
    "plain_loop": plain_loop,
    "plain_scan": plain_scan,
}


def main() -> None:
    """Run one step and print its figures: rows, wall and CPU time in seconds, peak memory in MiB."""
    platform = open_platform()
    begun, used = time.perf_counter(), time.process_time()
    figures = STEPS[sys.argv[1]](platform)
    seconds = time.perf_counter() - begun
    print(
        json.dumps(
            {
                **figures,
                "seconds": round(seconds, 2),
                "processor_seconds": round(time.process_time() - used, 2),
                "rows_per_second": round(figures["rows"] / seconds),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
