"""Rebuilds silver and the refused records from bronze, ingest by ingest, under their original sequence numbers.

Each ingest is compared with the ledger and with the rows that are still there. Only when all of them match are the
incomplete tables replaced, each in one commit. Not here: one ingest (`jobs.reingest`), the branches and the commit
(`sink.rebuilding`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from casegold.control.integrity import repair_requests
from casegold.control.integrity.repair_requests import Counts
from casegold.control.model import Claim, RunManifest
from casegold.control.runs import claims
from casegold.domain.errors import InvariantBroken
from casegold.domain.sql import query
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.jobs.outcome import Outcome
from casegold.jobs.reingest import REMEDY, Made, reingest
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.sink.lake import SEQUENCE, Lake, lost
from casegold.sink.rebuilding import Rebuilding
from casegold.sink.tables import BRONZE_SCHEMA, REJECTED_SCHEMA

ROOM = "casegold.jobs"

AS_IT_WAS, REBUILT = "as it was", "rebuilt"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as the rebuild found it."""

    dataset: str
    rows: Mapping[int, int]
    """Number of rows by ingest."""
    expected: Mapping[int, int]
    """Number of rows by ingest, according to the ledger."""
    short: frozenset[int]
    """Ingests that have another number of rows than the ledger says."""
    whole: bool
    made: Rebuilding


@dataclass(frozen=True, slots=True)
class _Job:
    platform: Platform
    claim: Claim
    connection: duckdb.DuckDBPyConnection
    lake: Lake
    """From `Lake.for_mending`: accepts tables that are lost or older."""
    silver: _Table
    rejected: _Table
    recorded_at: Mapping[int, datetime]

    @property
    def tables(self) -> tuple[_Table, _Table]:
        return self.rejected, self.silver


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Rebuild what silver and the refused records lack. Writes nothing if they lack nothing.

    Raises:
        TableLost: bronze is gone or is an older table.
        InvariantBroken: the result differs from the ledger or from rows that are there; nothing has changed.
    """
    ledger = repair_requests.counts(platform.control)
    last = ledger[-1].seq if ledger else 0
    lake = platform.lake.for_mending()
    with engine(platform) as connection:
        _assert_bronze(platform, connection, ledger)
        job = _Job(
            platform,
            claim,
            connection,
            lake,
            _look(lake, connection, SILVER, {each.seq: each.accepted for each in ledger}, manifest.run_id),
            _look(lake, connection, REJECTED, {each.seq: each.refused for each in ledger}, manifest.run_id),
            _recorded_at(lake, connection),
        )
        wanting = [table for table in job.tables if not table.whole]
        reached = min((table.made.begin() for table in wanting), default=0)
        for batch in _batches(ledger, reached, platform.settings.ingest_chunk_records):
            claim.check()
            _make(job, batch)
            log.info("rebuild of %s: ingest %d of %d", claim.dataset, batch[-1].seq, last)
        for table in wanting:
            _assert_complete(job, table)
            table.made.switch(last, lambda: _assert_owned(platform, claim))
        for table in job.tables:
            table.made.end()
    return Outcome(
        {
            "ingests": len(ledger),
            "records": sum(each.records for each in ledger),
            **{f"{table.dataset} rows": sum(table.expected.values()) for table in job.tables},
            **{table.dataset: AS_IT_WAS if table.whole else REBUILT for table in job.tables},
        }
    )


def _assert_bronze(platform: Platform, connection: duckdb.DuckDBPyConnection, ledger: Sequence[Counts]) -> None:
    """Check that bronze has every record of every ingest: there is no other source for a rebuild."""
    found = _count(platform.lake, connection, BRONZE)
    for each in ledger:
        if found.get(each.seq, 0) != each.records:
            raise lost(BRONZE, f"has {found.get(each.seq, 0)} records of ingest {each.seq}, which had {each.records}")


def _count(
    lake: Lake, connection: duckdb.DuckDBPyConnection, dataset: str, snapshot: int | None = None
) -> dict[int, int]:
    lake.register(connection, "table_to_count", dataset, snapshot_id=snapshot)
    return dict(connection.execute(query(ROOM, "rebuild_table_counts")).fetchall())


def _look(
    lake: Lake, connection: duckdb.DuckDBPyConnection, dataset: str, expected: Mapping[int, int], run_id: str
) -> _Table:
    """Find what a table lacks. Rows above the ledger's last number are of an unfinished ingest, which repeats them."""
    rows = _count(lake, connection, dataset)
    last = max(expected, default=0)
    numbers = expected.keys() | {seq for seq in rows if seq <= last}
    short = frozenset(seq for seq in numbers if rows.get(seq, 0) != expected.get(seq, 0))
    whole = not short and int(lake.properties(dataset).get(SEQUENCE, "0")) >= last
    return _Table(dataset, rows, expected, short, whole, Rebuilding(lake, dataset, run_id))


def _recorded_at(lake: Lake, connection: duckdb.DuckDBPyConnection) -> dict[int, datetime]:
    """When the rows that are still there were committed, by ingest: rebuilt rows keep this time."""
    lake.register(connection, "table_to_count", SILVER)
    return dict(connection.execute(query(ROOM, "rebuild_recorded_at")).fetchall())


def _batches(ledger: Sequence[Counts], after: int, max_records: int) -> Iterator[list[Counts]]:
    """Consecutive ingests with about as many records as are processed at once; at least one ingest."""
    batch: list[Counts] = []
    for each in ledger:
        if each.seq <= after:
            continue
        if batch and sum(one.records for one in batch) + each.records > max_records:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


def _make(job: _Job, batch: Sequence[Counts]) -> None:
    """Repeat some ingests, compare them with the rows that are there, and write missing rows to the branches."""
    first, last = batch[0].seq, batch[-1].seq
    bronze = _rows(job, BRONZE, first, last).cast(BRONZE_SCHEMA)
    decided = _rows(job, REJECTED, first, last).cast(REJECTED_SCHEMA) if job.rejected.whole else None
    _register_base(job)
    made: list[Made] = []
    for each in repair_requests.ingests(job.platform.control, first, last):
        _register_known(job, made)
        refused = None if decided is None else _of(decided, each.seq)
        recorded_at = job.recorded_at.get(each.seq, each.committed_at)
        made.append(reingest(job.platform, job.connection, each, _of(bronze, each.seq), refused, recorded_at))
    for table, rows in (
        (job.silver, pa.concat_tables([each.silver for each in made])),
        (job.rejected, pa.concat_tables([each.rejected for each in made])),
    ):
        _compare(job, table, rows, first, last)
        if not table.whole:
            table.made.append(rows, last)


def _rows(job: _Job, dataset: str, first: int, last: int) -> pa.Table:
    """The rows of some ingests on main, ordered by ingest, partition and offset."""
    within = f"ingest_seq >= {first} and ingest_seq <= {last}"
    job.lake.register(job.connection, "ranged_rows", dataset, row_filter=within)
    return job.connection.execute(query(ROOM, "rebuild_range"), {"first": first, "last": last}).to_arrow_table()


def _of(rows: pa.Table, seq: int) -> pa.Table:
    return rows.filter(pc.equal(rows["ingest_seq"], pa.scalar(seq, pa.int64())))


def _register_base(job: _Job) -> None:
    """The view `rebuilt_rows`: silver before this batch, from main if it is complete, else as far as it was rebuilt."""
    if job.silver.whole:
        job.lake.register(job.connection, "rebuilt_rows", SILVER)
    else:
        paths = [file.file_path for file in job.silver.made.files()]
        job.lake.register_files(job.connection, "rebuilt_rows", SILVER, paths)


def _register_known(job: _Job, made: Sequence[Made]) -> None:
    """The view `silver_case_events`: silver before this batch, and the ingests of this batch so far."""
    schema = job.platform.contracts[SILVER].arrow_schema()
    pending = [] if job.silver.whole else [each.silver for each in made]
    job.connection.register("pending_rows", pa.concat_tables([schema.empty_table(), *pending]))
    job.connection.execute(query(ROOM, "rebuild_known"))


def _compare(job: _Job, table: _Table, made: pa.Table, first: int, last: int) -> None:
    """Compare existing rows with rebuilt ones, for ingests with as many rows as the ledger says.

    An ingest with another number of rows is known to be wrong, and its rows are replaced.
    """
    found = _rows(job, table.dataset, first, last)
    short = pa.array(sorted(table.short), pa.int64())
    there = pa.array([seq for seq in table.rows if first <= seq <= last], pa.int64())
    names = [name for name in made.column_names if name != "recorded_at"]
    job.connection.register("found_rows", _only(found.select(names).cast(made.select(names).schema), there, short))
    job.connection.register("made_rows", _only(made.select(names), there, short))
    different = job.connection.execute(query(ROOM, "rebuild_differences")).fetchone()
    if different is not None:
        raise InvariantBroken(
            f"{different[1]} rows of ingest {different[0]} in {table.dataset} are not those that bronze gives, though "
            "there are as many as the ledger says: they were changed by hand, or are another release's",
            remedy=REMEDY,
        )


def _only(rows: pa.Table, there: pa.Array, short: pa.Array) -> pa.Table:
    numbers = rows["ingest_seq"]
    return rows.filter(pc.and_not(pc.is_in(numbers, there), pc.is_in(numbers, short)))


def _assert_complete(job: _Job, table: _Table) -> None:
    """Check that the branch, read back, has as many rows of every ingest as the ledger says."""
    paths = [file.file_path for file in table.made.files()]
    job.lake.register_files(job.connection, "table_to_count", table.dataset, paths)
    rows = dict(job.connection.execute(query(ROOM, "rebuild_table_counts")).fetchall())
    if rows != {seq: count for seq, count in table.expected.items() if count}:
        raise InvariantBroken(
            f"branch {table.made.branch} of {table.dataset} has other rows than were written",
            remedy="main has not changed",
        )


def _assert_owned(platform: Platform, claim: Claim) -> None:
    with platform.control.read() as connection:
        claims.assert_held(connection, claim)
