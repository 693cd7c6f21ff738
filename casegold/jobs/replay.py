"""A replay: sends the facts of a range to Kafka again, marked as a replay, at the approved rate. It can be resumed.

The facts are first written to a Parquet file; then its rows are sent in order. The `sourceposition` of an event is the
place of its row in the file; with the backfill's id it tells a consumer which events it has processed. Not here: the
approval (`control.changes.replay_plan`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import FileIO

from casegold.control.changes import replay_progress
from casegold.control.changes.replay_progress import Extract
from casegold.control.model import BACKFILL_RUN_ID, Claim, PartitionRange, RunManifest
from casegold.domain.errors import Deferred, SourceUnavailable
from casegold.domain.events import CaseEvent, EventType, ProcessingMode
from casegold.domain.failpoints import durable
from casegold.domain.payload import read_payload
from casegold.domain.sql import query
from casegold.jobs.outcome import Outcome
from casegold.jobs.views import Pins, engine, register_facts
from casegold.runtime.platform import Platform
from casegold.sink.lake import storage_named
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender

ROOM = "casegold.jobs"

SILVER = "silver/case_events"
ROW_GROUP = 20_000
BATCH = 1_000
"""Events between two progress marks, or those of one second if that is less.
If a process dies before its mark, this many events are sent again, with the same positions."""


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Send the rest of the manifest's replay.

    Raises:
        Deferred: the replay was paused or stopped; what is sent is recorded.
        SourceUnavailable: Kafka or the storage does not answer; the next attempt resumes.
    """
    backfill_run_id = str(manifest.parameters[BACKFILL_RUN_ID])
    with platform.control.read() as connection:
        extract = replay_progress.extract_of(connection, backfill_run_id)
    if extract is None:
        extract = _write(platform, manifest, claim, backfill_run_id)
    _send(platform, manifest, claim, backfill_run_id, extract)
    summary: dict[str, str | int | float] = {
        "events": extract.events,
        "topic": manifest.scope["topic"],
        "file": extract.uri,
    }
    return Outcome(summary)


def _write(platform: Platform, manifest: RunManifest, claim: Claim, backfill_run_id: str) -> Extract:
    """Write the file under a name of this attempt, so that a partial file of a dead attempt is never used."""
    uri = f"{platform.settings.warehouse_url()}/replays/{backfill_run_id}-{claim.attempt}.parquet"
    scope = manifest.scope
    span = PartitionRange(date.fromisoformat(scope["first"]), date.fromisoformat(scope["last"]))
    with engine(platform) as duck:
        register_facts(duck, platform, Pins(span, scope["admitted_seq"], scope["totals_seq"]))
        batches = duck.execute(query(ROOM, "replay_facts")).to_arrow_reader(ROW_GROUP)
        events = _write_file(platform, uri, batches)
    with platform.control.write("replay-file") as connection:
        replay_progress.record_extract(connection, claim, backfill_run_id, uri, events)
    return Extract(uri, events, 0)


def _write_file(platform: Platform, uri: str, batches: pa.RecordBatchReader) -> int:
    events = 0
    try:
        with (
            storage_named(uri),
            durable("replay-write"),
            _io(platform).new_output(uri).create(overwrite=True) as stream,
            pq.ParquetWriter(stream, batches.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch, row_group_size=ROW_GROUP)
                events += batch.num_rows
    except OSError as error:
        raise SourceUnavailable(f"{uri} cannot be written: {error}", remedy="is the warehouse reachable?") from error
    return events


def _io(platform: Platform) -> FileIO:
    return platform.lake.table(SILVER).io


@dataclass(frozen=True, slots=True)
class _Sender:
    """What all events of a replay have in common."""

    topic: str
    default_source: str
    backfill_run_id: str
    sender: RecordSender

    def send(self, position: str, row: dict[str, Any]) -> None:
        kind = EventType(row["event_type"])
        data, data_json = read_payload(kind, json.loads(row["data"]))
        event = CaseEvent(
            source=row["source"],
            id=row["event_id"],
            type=kind,
            case_id=row["case_id"],
            occurred_at=row["occurred_at"],
            emitted_at=row["emitted_at"],
            data=data,
            data_json=data_json,
            sequence=row["sequence"],
            schema_version=row["schema_version"],
            mode=ProcessingMode.REPLAY,
            backfill_run_id=self.backfill_run_id,
            source_position=position,
        )
        send_event(self.sender, self.topic, event, Encoding.BINARY, self.default_source)


def _send(platform: Platform, manifest: RunManifest, claim: Claim, backfill_run_id: str, extract: Extract) -> None:
    rate: int = manifest.scope["events_per_second"]
    sent, at_once = extract.sent, min(rate, BATCH)
    with RecordSender(platform.kafka_config) as kafka:
        sender = _Sender(manifest.scope["topic"], platform.settings.plain_source, backfill_run_id, kafka)
        left_over = _rows(platform, extract)
        while rows := list(islice(left_over, at_once)):
            begun = time.monotonic()
            with platform.control.read() as connection:
                replay_progress.assert_executing(connection, backfill_run_id)
            for position, row in rows:
                sender.send(position, row)
            with durable("replay-send", SourceUnavailable):
                kafka.flush()
            with platform.control.write("replay-mark") as connection:
                replay_progress.mark_sent(connection, claim, backfill_run_id, sent, sent + len(rows))
            sent += len(rows)
            too_early = len(rows) / rate - (time.monotonic() - begun)
            if too_early > 0 and claim.over.wait(too_early):
                raise Deferred(f"run {claim.run_id[:12]} no longer owns {claim.dataset}")


def _rows(platform: Platform, extract: Extract) -> Iterator[tuple[str, dict[str, Any]]]:
    """Position and row of every event that is not sent yet. Keeps one row group in memory."""
    name = extract.uri.rpartition("/")[2]
    try:
        with _io(platform).new_input(extract.uri).open() as stream:
            source = pq.ParquetFile(stream)
            done = 0
            for group in range(source.num_row_groups):
                count = source.metadata.row_group(group).num_rows
                if done + count > extract.sent:
                    rows = source.read_row_group(group).to_pylist()
                    for row in range(max(extract.sent - done, 0), count):
                        yield f"{name}:{group}:{row}", rows[row]
                done += count
    except OSError as error:
        raise SourceUnavailable(
            f"{extract.uri} cannot be read: {error}", remedy="is the warehouse reachable?"
        ) from error
