"""Which facts caused a version to restate what was published, by the sequence numbers of the old and the new version.

A fact is a cause of a partition if it can change it and the partition's previous version did not know it. Not here:
what each fact changed, which is not recorded (`jobs.difference` shows what changed in total).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

import pyarrow as pa

from casegold.control.versions import causes
from casegold.control.versions.causes import RecordedCauses
from casegold.domain.sql import query
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform

ROOM = "casegold.operations"

SILVER = "silver/case_events"
_SPANS = pa.schema([("after_seq", pa.int64()), ("until_seq", pa.int64()), ("last", pa.date32())])
_ADMISSIONS = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("dirty_from", pa.date32()),
        ("ingest_seq", pa.int64()),
        ("admitted_seq", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class CausingFact:
    """A fact that a version knows and the previous one did not. `held`: it was held, and counts since its admission."""

    source: str
    event_id: str
    event_type: str
    case_id: str
    occurred_at: datetime
    dirty_from: date
    recorded_at: datetime
    counts_from: int
    held: bool


@dataclass(frozen=True, slots=True)
class Causes:
    """Why a version, or one of its partitions, was made."""

    recorded: RecordedCauses
    facts: int
    """The exact number of facts that caused it."""
    sample: tuple[CausingFact, ...]
    """The first of them, in the order in which they began to count."""


def of_version(platform: Platform, dataset: str, version: int, partition: date | None, sample: int) -> Causes:
    """The causes of a version. Reads only the files of silver that may hold them.

    Raises:
        ConfigurationError: there is no such version, or it did not change the partition.
    """
    with platform.control.read() as control:
        recorded = causes.recorded(control, dataset, version, partition)
        held = causes.admissions(control, recorded.spans) if recorded.spans else []
    if not recorded.spans:
        return Causes(recorded, 0, ())
    came_after = min(
        [span.after_seq for span in recorded.spans] + [each["ingest_seq"] - 1 for each in held if each["admitted_seq"]]
    )
    came_until = max(span.until_seq for span in recorded.spans)
    with engine(platform) as connection:
        within = f"ingest_seq > {came_after} and ingest_seq <= {came_until}"
        platform.lake.register(connection, "silver_case_events", SILVER, row_filter=within)
        connection.register("admissions", pa.Table.from_pylist(held, schema=_ADMISSIONS))
        spans = [asdict(span) for span in recorded.spans]
        connection.register("spans", pa.Table.from_pylist(spans, schema=_SPANS))
        # Fetched as Arrow: as Python rows, timestamps would need a time zone package.
        found = connection.execute(query(ROOM, "causing_facts"), {"limit": max(sample, 1)}).to_arrow_table()
    facts = found["facts"][0].as_py() if found.num_rows else 0
    rows = found.drop_columns(["facts"]).slice(0, sample).to_pylist()
    return Causes(recorded, facts, tuple(CausingFact(**row) for row in rows))
