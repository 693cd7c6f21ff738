"""Ingest of control totals: Kafka to bronze, with a copy in Postgres, in chunks that each have one serial number.

A chunk takes three steps: append its refused records; append its totals, with all that is needed to complete the chunk;
record it in Postgres. What is missing of the last chunk is completed before the next one begins. Not here: what totals
mean (`quality`).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pyarrow as pa

from casegold.control.ingest import commits, dead_letters, totals
from casegold.control.ingest.commits import CommitCounts
from casegold.control.ingest.totals import Counted, TotalKey
from casegold.control.model import Claim, RunManifest
from casegold.control.runs import claims
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import CommitUnknown
from casegold.domain.events import Rejection, RejectReason
from casegold.domain.sql import query
from casegold.jobs.chunks import RANGES, commit_summary, ranges_json, record_rows, remaining, unfinished
from casegold.jobs.dead_letters import send_pending
from casegold.jobs.outcome import Outcome, Scalar
from casegold.jobs.views import engine
from casegold.runtime.contracts import JUDGE
from casegold.runtime.platform import Platform
from casegold.sink.tables import REJECTED_SCHEMA
from casegold.source.codec import KafkaRecord
from casegold.source.kafka import Chunk, OffsetRange, read_chunks
from casegold.source.totals import ControlTotal
from casegold.source.totals_codec import conflict, decode_total, refusal
from casegold.transform.silver import Refused, rejected_rows

ROOM = "casegold.jobs"

TOTALS = "bronze/control_totals"
REJECTED = "bronze/rejected_totals"
COUNTS = "casegold.commit-counts"
"""Table property: how many records of the last commit were duplicates, conflicts or rejected; needed to complete it."""


@dataclass(frozen=True, slots=True)
class SortedTotals:
    """The records of a chunk by outcome; `accepted` has each total with its row in the chunk."""

    accepted: list[tuple[int, ControlTotal]]
    refused: list[Refused]
    duplicates: int


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Read the manifest's offset ranges.

    Raises:
        SourceUnavailable: Kafka or the lake failed; committed chunks stay, and the next attempt resumes after them.
        CommitUnknown: another attempt used the number meanwhile; the next attempt first checks what is there.
    """
    begun = time.monotonic()
    commits = _finish_last(platform, manifest, claim)
    config, max_records = platform.kafka_config, platform.settings.ingest_chunk_records
    for chunk in read_chunks(config, manifest.scope["topic"], remaining(platform, manifest), max_records):
        commits.append(_commit(platform, manifest, claim, chunk, _next_seq(platform)))
    send_pending(platform, platform.settings.totals_dlq_topic, REJECTED)
    return Outcome(_figures(manifest, commits, time.monotonic() - begun))


def _next_seq(platform: Platform) -> int:
    with platform.control.read() as connection:
        given = commits.last_seq(connection, TOTALS)
    return max(given, platform.lake.last_seq(TOTALS), platform.lake.last_seq(REJECTED)) + 1


def _finish_last(platform: Platform, manifest: RunManifest, claim: Claim) -> list[CommitCounts]:
    """Finish what a dead attempt left: complete its totals, or append those whose refused records are already there."""
    seq = platform.lake.last_seq(TOTALS)
    with platform.control.read() as connection:
        complete = seq == 0 or commits.is_complete(connection, TOTALS, seq)
    if not complete:
        return [_complete(platform, manifest, claim, seq)]
    begun = platform.lake.last_seq(REJECTED)
    if begun <= seq:
        return []
    kept_from = {partition: kept for partition, _, _, kept in manifest.scope["ranges"]}
    covers = unfinished(manifest, platform.lake.properties(REJECTED))
    if covers.epoch != manifest.scope["epoch"]:
        return []  # a person accepted that the topic is gone; its refused records stay, and the number is used up
    ranges = tuple(OffsetRange(e.partition, e.start, e.end, kept_from[e.partition]) for e in covers.ranges)
    chunks = list(read_chunks(platform.kafka_config, manifest.scope["topic"], ranges, _size(ranges)))
    whole = Chunk([record for chunk in chunks for record in chunk.records], tuple(chain(*(c.ranges for c in chunks))))
    return [_append_totals(platform, manifest, claim, whole, begun, _sort(platform, whole.records))]


def _size(ranges: Sequence[OffsetRange]) -> int:
    return sum(each.end - each.start for each in ranges)


def _commit(platform: Platform, manifest: RunManifest, claim: Claim, chunk: Chunk, seq: int) -> CommitCounts:
    """Write one chunk under one number. Refused records go first, so that no record that was read is ever lost."""
    found = _sort(platform, chunk.records)
    if found.refused:
        received = record_rows(manifest, chunk, seq, datetime.now(UTC))
        rows = rejected_rows(found.refused, received, REJECTED_SCHEMA)
        _append(platform, REJECTED, rows, seq, claim, {RANGES: ranges_json(manifest, chunk)})
    return _append_totals(platform, manifest, claim, chunk, seq, found)


def _append_totals(
    platform: Platform, manifest: RunManifest, claim: Claim, chunk: Chunk, seq: int, found: SortedTotals
) -> CommitCounts:
    rows = _rows(platform, manifest, chunk.records, found.accepted, seq)
    reasons = Counter(each.rejection.reason.value for each in found.refused)
    conflicts = reasons.pop(RejectReason.CONFLICT.value, 0)
    counts = {"duplicates": found.duplicates, "conflicts": conflicts, "rejected": dict(reasons)}
    properties = {RANGES: ranges_json(manifest, chunk), COUNTS: json.dumps(counts)}
    _append(platform, TOTALS, rows, seq, claim, properties)
    return _complete(platform, manifest, claim, seq)


def _append(
    platform: Platform, dataset: str, rows: pa.Table, seq: int, claim: Claim, properties: dict[str, str]
) -> None:
    appended = platform.lake.append(dataset, rows, seq=seq, properties=properties, summary=commit_summary(claim))
    if appended is None:
        raise CommitUnknown(
            f"another attempt appended number {seq} to {dataset} before this one",
            remedy="the next attempt checks what is there and goes on",
        )


def _complete(platform: Platform, manifest: RunManifest, claim: Claim, seq: int) -> CommitCounts:
    """Record in Postgres, in one transaction, what the lake holds under a number."""
    properties = platform.lake.properties(TOTALS)
    counts = json.loads(properties[COUNTS])
    brought = _brought(platform, seq)
    others = counts["duplicates"] + counts["conflicts"] + sum(counts["rejected"].values())
    commit = CommitCounts(
        len(brought) + others, len(brought), counts["duplicates"], counts["conflicts"], counts["rejected"]
    )
    covers = unfinished(manifest, properties)
    with platform.control.write("totals-complete") as connection:
        claims.assert_claim(connection, claim)
        commits.record_commit(connection, claim, seq, covers.topic, covers.epoch, commit, covers.ranges)
        totals.record(connection, seq, brought)
        if counts["conflicts"] or counts["rejected"]:
            dead_letters.owe(connection, platform.settings.totals_dlq_topic, seq)
    return commit


def _brought(platform: Platform, seq: int) -> dict[TotalKey, Counted]:
    """The totals under a number, read from the lake."""
    with engine(platform) as connection:
        platform.lake.register(connection, "bronze_control_totals", TOTALS, row_filter=f"totals_seq = {seq}")
        connection.execute(query(ROOM, "set_seq"), {"value": seq})
        rows = connection.execute(query(ROOM, "totals_chunk")).to_arrow_table().to_pylist()
    return {
        TotalKey(row["source"], row["business_date"], row["event_type"], row["revision"]): Counted(
            row["count"], row["as_of"]
        )
        for row in rows
    }


def _sort(platform: Platform, records: Sequence[KafkaRecord]) -> SortedTotals:
    """Separate new totals from repeated and conflicting ones; the first content of a revision stays in force."""
    contract = platform.contracts[JUDGE]
    decoded = [judged(contract, platform.calendar, record) for record in records]
    keys = {_key(each) for each in decoded if isinstance(each, ControlTotal)}
    with platform.control.read() as connection:
        known: dict[TotalKey, Counted | ControlTotal] = {**totals.known(connection, keys)}
    return sort_among(records, decoded, known)


def sort_among(
    records: Sequence[KafkaRecord],
    decoded: Sequence[ControlTotal | Rejection],
    known: dict[TotalKey, Counted | ControlTotal],
) -> SortedTotals:
    """Separate new totals from repeated and conflicting ones. Compares with `known`, and adds the new totals to it."""
    accepted: list[tuple[int, ControlTotal]] = []
    refused: list[Refused] = []
    for row, (record, each) in enumerate(zip(records, decoded, strict=True)):
        if isinstance(each, Rejection):
            refused.append(Refused(row, each, None))
        elif (first := known.setdefault(_key(each), each)) is each:
            accepted.append((row, each))
        elif (first.count, first.as_of) != (each.count, each.as_of):
            refusal = conflict(record, each, first.count, first.as_of)
            refused.append(Refused(row, refusal, each.business_date))
    return SortedTotals(accepted, refused, len(records) - len(accepted) - len(refused))


def judged(contract: DatasetContract, calendar: BusinessCalendar, record: KafkaRecord) -> ControlTotal | Rejection:
    """Check a record against the contract. Kafka's timestamp is the clock, so every attempt gets the same result."""
    total = decode_total(record)
    if isinstance(total, Rejection):
        return total
    ended = calendar.end_of(total.business_date)
    if total.source not in contract.source_names:
        return refusal(record, total, RejectReason.UNKNOWN_SOURCE, f"source: {total.source!r} is not in the contract")
    if total.as_of < ended:
        detail = f"asOf: {total.as_of} is before the end of {total.business_date}, {ended}: the date was not over"
        return refusal(record, total, RejectReason.DATE_NOT_OVER, detail)
    if total.as_of > record.timestamp + contract.max_future:
        detail = f"asOf: {total.as_of} is more than {contract.max_future} after it was sent"
        return refusal(record, total, RejectReason.BEYOND_MAX_FUTURE, detail)
    return total


def _key(total: ControlTotal) -> TotalKey:
    return TotalKey(total.source, total.business_date, total.event_type, total.revision)


def _rows(
    platform: Platform,
    manifest: RunManifest,
    records: Sequence[KafkaRecord],
    accepted: Sequence[tuple[int, ControlTotal]],
    seq: int,
) -> pa.Table:
    now = datetime.now(UTC)

    def row(record: KafkaRecord, total: ControlTotal) -> dict[str, Any]:
        return {
            "source": total.source,
            "business_date": total.business_date,
            "event_type": total.event_type,
            "count": total.count,
            "as_of": total.as_of,
            "revision": total.revision,
            "totals_seq": seq,
            "topic_id": manifest.scope["topic_id"],
            "kafka_partition": record.partition,
            "kafka_offset": record.offset,
            "ingested_at": now,
        }

    schema = platform.contracts[TOTALS].arrow_schema()
    return pa.Table.from_pylist([row(records[place], total) for place, total in accepted], schema=schema)


def _figures(manifest: RunManifest, commits: Sequence[CommitCounts], seconds: float) -> dict[str, Scalar]:
    reasons: Counter[str] = Counter()
    for commit in commits:
        reasons.update(commit.rejected_by_reason)
    return {
        "offsets": sum(end - start for _, start, end, _ in manifest.scope["ranges"]),
        "commits": len(commits),
        **{
            name: sum(getattr(commit, name) for commit in commits)
            for name in ("records", "accepted", "duplicates", "conflicts", "rejected")
        },
        **{f"rejected: {reason}": count for reason, count in sorted(reasons.items())},
        "seconds": round(seconds, 1),
    }
