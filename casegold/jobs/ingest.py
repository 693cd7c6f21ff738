"""Ingest of case events: Kafka to bronze, bronze to silver, in bounded chunks that each have one serial number.

Every step of a chunk is idempotent: an attempt finds it done, or repeats it with exactly the same rows
(docs/decisions/0001). Not here: decoding (`source.codec`, `transform.silver`), duplicates (`jobs.deduplication`), which
range is read (`control.ingest.commits`).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

import duckdb
import pyarrow as pa

from casegold.control.changes import backfill_requests
from casegold.control.ingest import commits, dead_letters
from casegold.control.ingest.commits import CommitCounts, Conflict, HeldFact
from casegold.control.model import Claim, PartitionRange, RunManifest
from casegold.control.runs import claims
from casegold.domain.contract import Contracts
from casegold.domain.errors import Deferred
from casegold.domain.events import RejectReason
from casegold.domain.sql import query
from casegold.jobs.chunks import (
    RANGES,
    Covered,
    commit_summary,
    covered,
    covers_nothing,
    ranges_json,
    record_rows,
    remaining,
    unfinished,
)
from casegold.jobs.dead_letters import send_pending
from casegold.jobs.deduplication import ConflictingRecord, KnownFacts, Sorted
from casegold.jobs.outcome import Outcome, Scalar
from casegold.jobs.views import engine
from casegold.runtime.contracts import JUDGE
from casegold.runtime.platform import Platform
from casegold.sink.tables import BRONZE_SCHEMA, REJECTED_SCHEMA
from casegold.source.codec import KafkaRecord, decode
from casegold.source.kafka import Chunk, read_chunks
from casegold.transform.silver import Accepted, Bounds, Refused, read_chunk, rejected_rows, silver_rows

ROOM = "casegold.jobs"

BRONZE = "bronze/case_events"
REJECTED = "bronze/rejected_events"
SILVER = "silver/case_events"


@dataclass(slots=True)
class _Total:
    """The figures of the whole run."""

    chunks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)
    held: int = 0
    late: int = 0

    def add(self, counts: CommitCounts) -> None:
        self.chunks += 1
        self.reasons.update(counts.rejected_by_reason)
        for name in ("records", "accepted", "duplicates", "conflicts", "rejected"):
            self.counts[name] += getattr(counts, name)


@dataclass(frozen=True, slots=True)
class _Run:
    platform: Platform
    manifest: RunManifest
    claim: Claim
    connection: duckdb.DuckDBPyConnection
    total: _Total

    @property
    def topic(self) -> str:
        return str(self.manifest.scope["topic"])


def bounds_of(contracts: Contracts) -> Bounds:
    """Which events may become facts: the dates and sources of the contract `JUDGE`, which applies to all datasets."""
    judge = contracts[JUDGE]
    return Bounds(judge.first_date, judge.max_future, judge.source_names)


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Read the manifest's offset ranges into bronze and silver.

    Raises:
        SourceUnavailable: Kafka or the lake failed; committed chunks stay, and the next attempt resumes after them.
    """
    begun = time.monotonic()
    with engine(platform) as connection:
        run_ = _Run(platform, manifest, claim, connection, _Total())
        _complete_unfinished(run_)
        chunks = read_chunks(
            platform.kafka_config, run_.topic, remaining(platform, manifest), platform.settings.ingest_chunk_records
        )
        seq = _next_seq(run_)
        for chunk in chunks:
            _process(run_, seq, _to_bronze(run_, seq, chunk), chunk.records, covered(manifest, chunk.ranges))
            seq = _next_seq(run_)
    send_pending(platform, platform.settings.events_dlq_topic, REJECTED)
    return Outcome(_figures(run_.total, manifest, time.monotonic() - begun))


def _next_seq(run_: _Run) -> int:
    """The number of the next chunk, taken before the chunk is read and while the claim is ours.

    It works as a fencing token: a run that takes over the claim meanwhile takes the same number, and a number can be
    appended only once. Admissions of held facts take numbers, too, with an empty commit to bronze.
    """
    with run_.platform.control.read() as connection:
        claims.assert_held(connection, run_.claim)
        given = commits.last_seq(connection, SILVER)
    return max(given, run_.platform.lake.last_seq(BRONZE)) + 1


def _to_bronze(run_: _Run, seq: int, chunk: Chunk) -> pa.Table:
    """Append a chunk as received, and return its rows.

    Raises:
        Deferred: another attempt used this number first. Its chunk is completed from bronze, with the range it has
            there.
    """
    rows = record_rows(run_.manifest, chunk, seq, datetime.now(UTC))
    properties = {RANGES: ranges_json(run_.manifest, chunk)}
    summary = commit_summary(run_.claim)
    if run_.platform.lake.append(BRONZE, rows, seq=seq, properties=properties, summary=summary) is None:
        raise Deferred(f"another attempt wrote commit {seq} of {BRONZE}")
    return rows


def _complete_unfinished(run_: _Run) -> None:
    """Complete the chunk that a dead attempt left in bronze, from its rows there."""
    platform = run_.platform
    seq = platform.lake.last_seq(BRONZE)
    with platform.control.read() as connection:
        if seq == 0 or commits.is_complete(connection, SILVER, seq):
            return
    properties = platform.lake.properties(BRONZE)
    if covers_nothing(properties):  # an admission took the number: it has no chunk
        return
    covers = unfinished(run_.manifest, properties)
    platform.lake.register(run_.connection, "bronze_case_events", BRONZE, row_filter=f"ingest_seq = {seq}")
    run_.connection.execute(query(ROOM, "set_seq"), {"value": seq})
    rows = run_.connection.execute(query(ROOM, "bronze_chunk")).to_arrow_table()
    bronze = rows.cast(BRONZE_SCHEMA)
    _process(run_, seq, bronze, records_of(bronze), covers)


def _process(run_: _Run, seq: int, bronze: pa.Table, records: list[KafkaRecord], covers: Covered) -> None:
    """Take one chunk from bronze to silver: decode, compare with known facts, write, and complete.

    Args:
        records: the rows of `bronze` as records.
    """
    platform = run_.platform
    contract = platform.contracts[SILVER]
    candidates, refused = read_chunk(
        records,
        bronze["ingested_at"].to_pylist(),
        partial(decode, default_source=platform.settings.plain_source),
        platform.calendar,
        bounds_of(platform.contracts),
    )
    platform.lake.register(run_.connection, "silver_case_events", SILVER)
    known = KnownFacts(run_.connection, seq)
    sorted_ = known.sort(candidates, partial(commits.known_conflicts, platform.control, seq))
    accepted = known.with_dirty_dates(sorted_.fresh)
    refused += [each.refusal for each in sorted_.conflicts]
    summary = commit_summary(run_.claim)
    rejected = rejected_rows(sorted(refused, key=lambda each: each.row), bronze, REJECTED_SCHEMA)
    platform.lake.append(REJECTED, rejected, seq=seq, summary=summary)
    rows = silver_rows(accepted, bronze, seq, datetime.now(UTC), contract.arrow_schema())
    platform.lake.append(SILVER, rows, seq=seq, summary=summary)
    _complete(run_, seq, bronze, covers, sorted_, accepted, refused)


def records_of(bronze: pa.Table) -> list[KafkaRecord]:
    """The rows of a bronze chunk as Kafka records, for the decoder."""
    names = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "key", "value", "headers")
    return [
        KafkaRecord(
            topic, partition, offset, timestamp, key, value, tuple((h["key"], h["value"]) for h in headers or ())
        )
        for topic, partition, offset, timestamp, key, value, headers in zip(
            *(bronze[name].to_pylist() for name in names), strict=True
        )
    ]


def _complete(
    run_: _Run,
    seq: int,
    bronze: pa.Table,
    covers: Covered,
    sorted_: Sorted,
    accepted: list[Accepted],
    refused: list[Refused],
) -> None:
    """Record everything about a chunk in Postgres, in one transaction."""
    reasons = Counter(each.rejection.reason.value for each in refused)
    conflicts = reasons.pop(RejectReason.CONFLICT.value, 0)
    counts = CommitCounts(bronze.num_rows, len(accepted), sorted_.duplicates, conflicts, reasons)
    rules = run_.platform.contracts[JUDGE]
    with run_.platform.control.write("ingest-complete") as connection:
        claims.assert_claim(connection, run_.claim)
        late = commits.lateness(connection, rules.grace_window.days)
        commits.record_commit(connection, run_.claim, seq, covers.topic, covers.epoch, counts, covers.ranges)
        held = [_held(each) for each in accepted if late.is_held(each.dirty_from)]
        dates = Counter(each.dirty_from for each in accepted if not late.is_held(each.dirty_from))
        commits.record_facts(connection, seq, dates, late, held)
        commits.record_conflicts(
            connection, seq, covers.topic, covers.epoch, [_conflict(bronze, each) for each in sorted_.conflicts]
        )
        commits.record_rejected(connection, seq, _rejected_dates(refused, rules.source_names))
        corrections = [
            each.candidate.corrected
            for each in accepted
            if each.candidate.corrected is not None and not late.is_held(each.dirty_from)
        ]
        commits.settle_conflicts(connection, seq, corrections)
        if refused:
            dead_letters.owe(connection, run_.platform.settings.events_dlq_topic, seq)
        if held and late.latest_close is not None:
            first = min(fact.dirty_from for fact in held)
            reason = f"{len(held)} facts of ingest {seq} change dates from {first} on, before {late.held_before}"
            backfill_requests.ask(connection, JUDGE, PartitionRange(first, late.latest_close), reason)
    run_.total.add(counts)
    run_.total.held += len(held)
    run_.total.late += sum(count for day, count in dates.items() if late.is_late(day))
    run_.total.dates.update({day.isoformat(): count for day, count in dates.items()})


def _rejected_dates(refused: list[Refused], sources: frozenset[str]) -> Counter[date]:
    """By date: rejected records of declared sources. Conflicts are not counted here: they have a check of their own."""
    return Counter(
        each.effective_date
        for each in refused
        if each.effective_date is not None
        and each.rejection.reason is not RejectReason.CONFLICT
        and (each.rejection.source is None or each.rejection.source in sources)
    )


def _held(each: Accepted) -> HeldFact:
    event = each.candidate.event
    return HeldFact(event.source, event.id, event.type.value, event.case_id, each.dirty_from)


def _conflict(bronze: pa.Table, each: ConflictingRecord) -> Conflict:
    candidate, event = each.candidate, each.candidate.event
    return Conflict(
        kafka_partition=bronze["kafka_partition"][candidate.row].as_py(),
        kafka_offset=bronze["kafka_offset"][candidate.row].as_py(),
        source=event.source,
        event_id=event.id,
        event_type=event.type.value,
        case_id=event.case_id,
        effective_date=candidate.effective_date,
        recorded_date=each.first.effective_date,
        emitted_at=event.emitted_at,
        content_digest=candidate.digest,
    )


def _figures(total: _Total, manifest: RunManifest, seconds: float) -> dict[str, Scalar]:
    figures: dict[str, Scalar] = {
        "offsets": sum(end - start for _, start, end, _ in manifest.scope["ranges"]),
        "commits": total.chunks,
        **{name: total.counts[name] for name in ("records", "accepted", "duplicates", "conflicts", "rejected")},
        **{f"rejected: {reason}": count for reason, count in sorted(total.reasons.items())},
        "late": total.late,
        "held": total.held,
        "dates": len(total.dates),
    }
    if total.dates:
        figures |= {"first date": min(total.dates), "last date": max(total.dates)}
    return figures | {"seconds": round(seconds, 1), "rows/s": round(total.counts["records"] / max(seconds, 0.001))}
