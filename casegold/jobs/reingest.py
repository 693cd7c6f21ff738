"""Repeats one ingest from bronze: its facts and refused records, checked against the ledger.

A pure function except for lookups of known facts and conflicts. Not here: where its rows come from and go to
(`rebuild`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import duckdb
import pyarrow as pa

from casegold.control.ingest import commits
from casegold.control.ingest.commits import CommitCounts
from casegold.control.integrity.repair_requests import Ingest
from casegold.domain.errors import InvariantBroken
from casegold.domain.events import RejectReason
from casegold.jobs.deduplication import KnownFacts
from casegold.jobs.ingest import SILVER, bounds_of, records_of
from casegold.runtime.platform import Platform
from casegold.sink.tables import REJECTED_SCHEMA
from casegold.source.codec import decode
from casegold.transform.silver import Accepted, read_chunk, rejected_rows, silver_rows

REMEDY = (
    "nothing has changed: run it with the release and the contract that made this ingest, or restore the table from a "
    "backup; docs/runbooks/lost-tables.md"
)


@dataclass(frozen=True, slots=True)
class Made:
    """The rows of one ingest."""

    silver: pa.Table
    rejected: pa.Table


def reingest(
    platform: Platform,
    connection: duckdb.DuckDBPyConnection,
    of: Ingest,
    bronze: pa.Table,
    decided: pa.Table | None,
    recorded_at: datetime,
) -> Made:
    """Repeat an ingest. The connection must have the facts of earlier ingests as the view `silver_case_events`.

    Args:
        bronze: its records, by partition and offset.
        decided: its refused records, if they are known: they stay refused, whatever sources and dates the contract
            allows now. If None, the current contract judges all records.
        recorded_at: when its rows were first committed.

    Raises:
        InvariantBroken: the result differs from what the ledger says of this ingest.
    """
    kept = bronze if decided is None else _without(bronze, decided)
    candidates, refused = read_chunk(
        records_of(kept),
        kept["ingested_at"].to_pylist(),
        partial(decode, default_source=platform.settings.plain_source),
        platform.calendar,
        bounds_of(platform.contracts) if decided is None else None,
    )
    known = KnownFacts(connection, of.seq)
    sorted_ = known.sort(candidates, partial(commits.known_conflicts, platform.control, of.seq))
    accepted = known.with_dirty_dates(sorted_.fresh)
    refused += [each.refusal for each in sorted_.conflicts]
    if decided is None:
        rejected = rejected_rows(sorted(refused, key=lambda each: each.row), bronze, REJECTED_SCHEMA)
    elif refused:
        raise InvariantBroken(
            f"ingest {of.seq} took a record that is refused now: {refused[0].rejection.detail}", remedy=REMEDY
        )
    else:
        rejected = decided
    _compare(of, _counts(bronze, rejected, accepted, sorted_.duplicates), accepted)
    schema = platform.contracts[SILVER].arrow_schema()
    return Made(silver_rows(accepted, kept, of.seq, recorded_at, schema), rejected)


def _without(bronze: pa.Table, decided: pa.Table) -> pa.Table:
    """The records of an ingest that were not refused."""
    refused = set(zip(*_place(decided), strict=True))
    return bronze.filter(pa.array([place not in refused for place in zip(*_place(bronze), strict=True)], pa.bool_()))


def _place(rows: pa.Table) -> list[list[object]]:
    return [rows[name].to_pylist() for name in ("topic_id", "kafka_partition", "kafka_offset")]


def _counts(bronze: pa.Table, rejected: pa.Table, accepted: list[Accepted], duplicates: int) -> CommitCounts:
    reasons = Counter(rejected["reason"].to_pylist())
    conflicts = reasons.pop(RejectReason.CONFLICT.value, 0)
    return CommitCounts(bronze.num_rows, len(accepted), duplicates, conflicts, dict(reasons))


def _compare(of: Ingest, made: CommitCounts, accepted: list[Accepted]) -> None:
    if made != of.counts:
        raise InvariantBroken(
            f"ingest {of.seq} made again gives {_described(made)}, the ledger says {_described(of.counts)}",
            remedy=REMEDY,
        )
    facts = Counter(each.dirty_from for each in accepted)
    if facts != of.facts:
        day = min(key for key in facts.keys() | of.facts.keys() if facts[key] != of.facts.get(key, 0))
        raise InvariantBroken(
            f"ingest {of.seq} made again has {facts[day]} facts that change figures from {day} on, "
            f"the ledger says {of.facts.get(day, 0)}",
            remedy=REMEDY,
        )


def _described(counts: CommitCounts) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.rejected_by_reason.items()))
    return (
        f"{counts.records} records: {counts.accepted} facts, {counts.duplicates} duplicates, "
        f"{counts.conflicts} conflicts, {counts.rejected} rejected" + (f" ({reasons})" if reasons else "")
    )
