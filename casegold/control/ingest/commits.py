"""Control state of ingest: which range to read next, and what each commit contained.

Not here: epochs and positions of topics (`sources`, `consumer_positions`), rows of control totals (`totals`), closing
of dates (`days.day_close`), reading Kafka, decoding, the lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.ingest import consumer_positions, sources
from casegold.control.ingest.sources import Topic
from casegold.control.model import Claim, ManifestRequest, Pipeline, RunManifest
from casegold.control.runs import manifests
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


class Read(Protocol):
    """The range that was read of a partition: see `casegold.source.kafka.ReadRange`."""

    @property
    def partition(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def non_records(self) -> int: ...
    @property
    def lost(self) -> int: ...


@dataclass(frozen=True, slots=True)
class IngestPipeline:
    """What an ingest reads and writes. `dataset` is also its consumer name, under which positions are stored."""

    pipeline: Pipeline
    dataset: str
    topic: str
    max_records: int
    transform_version: str


@dataclass(frozen=True, slots=True)
class CommitCounts:
    """What became of the records of one commit. The database refuses counts that do not add up to `records`."""

    records: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected_by_reason: Mapping[str, int]

    @property
    def rejected(self) -> int:
        return sum(self.rejected_by_reason.values())


@dataclass(frozen=True, slots=True)
class HeldFact:
    """A fact that arrived after the grace window and counts only if people admit it."""

    source: str
    event_id: str
    event_type: str
    case_id: str
    dirty_from: date


@dataclass(frozen=True, slots=True)
class Conflict:
    """A record with the id of a known event and different content."""

    kafka_partition: int
    kafka_offset: int
    source: str
    event_id: str
    event_type: str
    case_id: str
    effective_date: date
    recorded_date: date
    emitted_at: datetime
    content_digest: str


@dataclass(frozen=True, slots=True)
class Lateness:
    """The limits for late and held facts; None while no date is closed."""

    latest_close: date | None
    held_before: date | None

    def is_late(self, dirty_from: date) -> bool:
        return self.latest_close is not None and dirty_from <= self.latest_close

    def is_held(self, dirty_from: date) -> bool:
        return self.held_before is not None and dirty_from < self.held_before


def plan(control: ControlDb, of: IngestPipeline, state: Topic, asked_by: str) -> RunManifest | None:
    """The manifest of the next range of a topic, or of the range in flight; None if everything is read.

    Raises:
        ConfigurationError: the topic was recreated or truncated, or records were deleted before they were read.
    """
    with control.write("ingest-plan") as connection:
        take_lock(connection, Lock.PLAN)
        in_flight = connection.execute(query(ROOM, "ingest_in_flight"), {"dataset": of.dataset}).fetchone()
        if in_flight is not None:
            return manifests.manifest_of(in_flight)
        sources.begin(connection, state)
        epoch = sources.current_epoch(connection, state)
        sources.begin_partitions(connection, of.dataset, state, epoch)
        positions = sources.known_positions(connection, of.dataset, state, epoch)
        sources.refuse_loss(connection, state, epoch, positions)
        share = max(1, of.max_records // max(1, len(state.ends)))
        ranges = [
            [partition, positions[partition], min(end, positions[partition] + share), state.starts[partition]]
            for partition, end in sorted(state.ends.items())
            if end > positions[partition]
        ]
        if not ranges:
            return None
        scope = {
            "cluster_id": state.cluster_id,
            "topic": state.topic,
            "topic_id": state.topic_id,
            "epoch": epoch,
            "ranges": ranges,
        }
        request = ManifestRequest(of.pipeline, of.dataset, scope, of.transform_version, asked_by)
        return manifests.request(connection, request)


positions = sources.positions
"""The next offset to read of each partition: everything before it is durable."""


def last_seq(connection: Connection, dataset: str) -> int:
    """The highest sequence number of a dataset, of an ingest or an admission; 0 without any."""
    row = connection.execute(query(ROOM, "ingest_last_seq"), {"dataset": dataset}).fetchone()
    return 0 if row is None else int(row["seq"])


def is_complete(connection: Connection, dataset: str, seq: int) -> bool:
    """Whether the commit with this number is recorded."""
    return connection.execute(query(ROOM, "ingest_commit_get"), {"dataset": dataset, "seq": seq}).fetchone() is not None


def record_commit(
    connection: Connection,
    claim: Claim,
    seq: int,
    topic: str,
    epoch: int,
    counts: CommitCounts,
    ranges: Iterable[Read],
) -> None:
    """Record a commit, the offsets it covers and the new positions; part of the completing transaction."""
    base = {"dataset": claim.dataset, "seq": seq, "topic": topic, "epoch": epoch}
    connection.execute(
        query(ROOM, "ingest_commit_insert"),
        base
        | {
            "run_id": claim.run_id,
            "attempt": claim.attempt,
            "records": counts.records,
            "accepted": counts.accepted,
            "duplicates": counts.duplicates,
            "conflicts": counts.conflicts,
            "rejected": counts.rejected,
            "rejected_by_reason": Jsonb(dict(counts.rejected_by_reason)),
        },
    )
    reads = list(ranges)
    rows = [
        base
        | {
            "partition": read.partition,
            "start": read.start,
            "end": read.end,
            "records": read.records,
            "non_records": read.non_records,
            "lost": read.lost,
        }
        for read in reads
    ]
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "ingest_range_insert"), rows)
    consumer_positions.advance(connection, claim.dataset, topic, epoch, {read.partition: read.end for read in reads})


def lateness(connection: Connection, grace_days: int) -> Lateness:
    """The current limits for late facts. Takes the register's lock: no date closes until this transaction ends."""
    take_lock(connection, Lock.REGISTER)
    row = connection.execute(query(ROOM, "ingest_lateness"), {"grace_days": grace_days}).fetchone()
    if row is None:
        return Lateness(None, None)
    return Lateness(row["latest_close"], row["held_before"])


def record_facts(
    connection: Connection,
    seq: int,
    dates: Mapping[date, int],
    late: Lateness,
    held: Sequence[HeldFact],
) -> None:
    """Record which dates the admitted facts of a commit change, and which facts are held.

    Args:
        dates: number of admitted facts, by the first date whose figures they change.
    """
    rows = [
        {"seq": seq, "dirty_from": day, "facts": facts, "late": facts if late.is_late(day) else 0}
        for day, facts in dates.items()
    ]
    because = f"changes dates before {late.held_before}; the latest closed date is {late.latest_close}"
    record_dates(connection, rows)
    with connection.cursor() as cursor:
        cursor.executemany(
            query(ROOM, "fact_hold"),
            [_columns(fact) | {"seq": seq, "because": because} for fact in held],
        )


def record_dates(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record how many facts came with a sequence number, by the first date whose figures they change.

    Args:
        rows: `seq, dirty_from, facts, late`.
    """
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "ingest_dates_insert"), rows)


def record_admission(connection: Connection, number: Mapping[str, Any], facts: Sequence[tuple[str, str]]) -> None:
    """Record the commit of an admission, and its facts (source, event id), which count from its number on.

    Args:
        number: `seq, run_id, attempt, backfill_run_id`.
    """
    connection.execute(query(ROOM, "admission_commit"), number)
    named = {"sources": [source for source, _ in facts], "ids": [event_id for _, event_id in facts]}
    connection.execute(query(ROOM, "admission_admit"), {**number, **named})


def record_rejected(connection: Connection, seq: int, dates: Mapping[date, int]) -> None:
    """Record how many records of declared sources a commit rejected, by effective date."""
    rows = [{"seq": seq, "effective_date": day, "records": records} for day, records in dates.items()]
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "ingest_rejected_dates_insert"), rows)


def record_conflicts(connection: Connection, seq: int, topic: str, epoch: int, conflicts: Sequence[Conflict]) -> None:
    """Open a conflict for each record with the id of a known event and different content."""
    base = {"seq": seq, "topic": topic, "epoch": epoch}
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "conflict_insert"), [base | _columns(conflict) for conflict in conflicts])


def settle_conflicts(connection: Connection, seq: int, corrected: Iterable[tuple[str, str]]) -> None:
    """Close the open conflicts of events that an admitted correction of this commit refers to."""
    with connection.cursor() as cursor:
        cursor.executemany(
            query(ROOM, "conflict_settle"),
            [{"seq": seq, "source": source, "event_id": event_id} for source, event_id in corrected],
        )


def known_conflicts(control: ControlDb, seq: int, events: Sequence[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """Conflicts of these events recorded before commit `seq`: source, event id, content digest."""
    parameters = {"seq": seq, "sources": [source for source, _ in events], "ids": [event_id for _, event_id in events]}
    rows = control.rows(query(ROOM, "conflict_known"), parameters)
    return {(row["source"], row["event_id"], row["content_digest"]) for row in rows}


def _columns(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
