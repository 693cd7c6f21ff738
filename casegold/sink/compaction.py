"""Compaction: rewrites many small files of a partition to few of about the target size, with the same rows.

All partitions of a table change in one commit. Only tables that grow by appends are compacted: gold and reports are
written at their final size, and versions record their files. Not here: other maintenance (`maintenance`, `orphans`),
and when it runs.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import write_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table, WriteTask
from pyiceberg.typedef import Record

from casegold.domain.errors import CommitUnknown, InvariantBroken, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake, local_path, storage_named

COMPACTED = frozenset(
    {
        "bronze/case_events",
        "bronze/control_totals",
        "bronze/rejected_events",
        "bronze/rejected_totals",
        "silver/case_events",
    }
)
"""The tables that grow by appends. Any other table is left alone, since readers may need more than its head."""

TARGET_BYTES = 64 * 2**20
"""Size of a compacted file. Writing one takes about ten times its size in memory; larger files would save few opens."""

SMALL_BYTES = TARGET_BYTES // 2
"""Files below this are joined. At half the target size, a row is rewritten only a handful of times."""

MIN_FILES = 8
"""Small files in a partition that justify a rewrite: opening one costs a scan about a millisecond."""

MAX_BYTES = 2 * 2**30
"""Bytes that one call reads at most, so that a run takes minutes; the next run does the rest."""

PURPOSE = "casegold.purpose"
COMPACTION = "compaction"
"""The purpose in the summary of a snapshot that compaction made."""

ROWS_PER_BATCH = 65_536


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one call did, or would do, to a table. `partitions_left` also need compaction; the next call takes them."""

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    rows: int = 0
    bytes_read: int = 0
    partitions_left: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Small files of one partition, to be joined into `files_after` files."""

    partition: Record
    files: tuple[DataFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.file_size_in_bytes for file in self.files)

    @property
    def rows(self) -> int:
        return sum(file.record_count for file in self.files)

    @property
    def files_after(self) -> int:
        return max(1, round(self.bytes / TARGET_BYTES))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call is to do, and how many partitions it leaves for the next one."""

    groups: tuple[Group, ...]
    partitions_left: int

    def as_outcome(self) -> Compacted:
        """The figures of this plan, as if it were done."""
        return Compacted(
            len(self.groups),
            sum(len(group.files) for group in self.groups),
            sum(group.files_after for group in self.groups),
            sum(group.rows for group in self.groups),
            sum(group.bytes for group in self.groups),
            self.partitions_left,
        )


@dataclass(frozen=True, slots=True)
class _Rewritten:
    group: Group
    files: tuple[DataFile, ...]


def plan(lake: Lake, dataset: str, *, min_files: int = MIN_FILES, max_bytes: int = MAX_BYTES) -> Plan:
    """What is worth joining at the head of a table; partitions with the most small files come first.

    Args:
        max_bytes: bytes to read at most. The first partition is always begun, with as many files as fit.
    """
    if dataset not in COMPACTED:
        return Plan((), 0)
    small: dict[Record, list[DataFile]] = defaultdict(list)
    for file in lake.data_files(dataset):
        if file.file_size_in_bytes < SMALL_BYTES:
            small[file.partition].append(file)
    worthy = sorted(
        (Group(partition, tuple(files)) for partition, files in small.items() if len(files) >= min_files),
        key=lambda group: (-len(group.files), group.files[0].file_path),
    )
    taken: list[Group] = []
    budget = max_bytes
    for group in worthy:
        if group.bytes > budget:
            break
        taken.append(group)
        budget -= group.bytes
    left = len(worthy) - len(taken)
    if worthy and not taken:
        taken.append(_cut(worthy[0], max_bytes))
    return Plan(tuple(taken), left)


def _cut(group: Group, budget: int) -> Group:
    """The smallest files that fit into a budget, but at least two: one file alone would be joined with nothing."""
    ordered = sorted(group.files, key=lambda file: (file.file_size_in_bytes, file.file_path))
    running = itertools.accumulate(file.file_size_in_bytes for file in ordered)
    fitting = sum(1 for total in running if total <= budget)
    return Group(group.partition, tuple(ordered[: max(2, fitting)]))


def compact(lake: Lake, connection: duckdb.DuckDBPyConnection, dataset: str, planned: Plan | None = None) -> Compacted:
    """Join small files, partition by partition, and replace them on main in one commit.

    Rows that are appended meanwhile are in other files, which the commit does not name: none is lost or doubled. The
    table's properties do not change.

    Args:
        connection: sorts the rows, within its memory limit.
        planned: what to do; default: the result of `plan`.

    Raises:
        InvariantBroken: the new files do not have the rows of the old ones; nothing was committed.
        SourceUnavailable: the storage does not answer.
        CommitUnknown: the catalog took none of the commits, or the outcome is unknown; rows are complete either way.
    """
    planned = plan(lake, dataset) if planned is None else planned
    if not planned.groups:
        return planned.as_outcome()
    table = lake.table(dataset)
    try:
        with storage_named(f"compaction of {dataset}"):
            rewritten = [_rewrite(connection, table, group) for group in planned.groups]
    except (OSError, duckdb.IOException) as error:
        raise SourceUnavailable(
            f"files of {dataset} cannot be joined: {error}", remedy="is the warehouse reachable? Nothing has changed"
        ) from error
    done = _commit(lake, dataset, rewritten)
    return Compacted(
        len(done),
        sum(len(each.group.files) for each in done),
        sum(len(each.files) for each in done),
        sum(each.group.rows for each in done),
        planned.as_outcome().bytes_read,
        planned.partitions_left + len(rewritten) - len(done),
    )


def _rewrite(connection: duckdb.DuckDBPyConnection, table: Table, group: Group) -> _Rewritten:
    rows_per_file = -(-group.rows // group.files_after)
    write_uuid = uuid.uuid4()
    written: list[DataFile] = []
    for number, batches in enumerate(_pieces(_sorted_rows(connection, table, group), rows_per_file)):
        task = WriteTask(
            write_uuid=write_uuid,
            task_id=number,
            schema=table.schema(),
            record_batches=batches,
            partition_key=_partition_key(table, group.partition),
        )
        with durable("compaction-write"):
            written += write_file(table.io, table.metadata, iter([task]))
    rows = sum(file.record_count for file in written)
    if rows != group.rows:
        raise InvariantBroken(
            f"compaction of {table.name()} read {group.rows} rows and wrote {rows}", remedy="nothing was committed"
        )
    return _Rewritten(group, tuple(written))


def _sorted_rows(connection: duckdb.DuckDBPyConnection, table: Table, group: Group) -> pa.RecordBatchReader:
    """The rows of a group in the table's sort order. A column that was added after a file was written is null there."""
    schema = table.schema()
    paths = [local_path(file.file_path) for file in group.files]
    found = connection.read_parquet(paths, hive_partitioning=False, union_by_name=True)
    names = [field.name for field in schema.fields]
    missing = set(found.columns) ^ set(names)
    if missing:
        raise InvariantBroken(f"files of {table.name()} and its schema differ in {sorted(missing)}")
    order = [schema.find_column_name(field.source_id) for field in table.sort_order().fields]
    rows = found.project(*(duckdb.ColumnExpression(name) for name in names))
    if order:
        rows = rows.sort(*(duckdb.ColumnExpression(name) for name in order if name is not None))
    return rows.to_arrow_reader(ROWS_PER_BATCH)


def _pieces(reader: pa.RecordBatchReader, rows_per_file: int) -> Iterator[list[pa.RecordBatch]]:
    """The batches of one output file after another, each file with `rows_per_file` rows except the last one."""
    piece: list[pa.RecordBatch] = []
    room = rows_per_file
    for batch in reader:
        rest = batch
        while rest.num_rows >= room:
            yield [*piece, rest.slice(0, room)]
            rest, piece, room = rest.slice(room), [], rows_per_file
        if rest.num_rows:
            piece.append(rest)
            room -= rest.num_rows
    if piece:
        yield piece


def _partition_key(table: Table, partition: Record) -> PartitionKey | None:
    """The key of a partition from the values that its files state; they are transformed already."""
    spec = table.spec()
    if spec.is_unpartitioned():
        return None
    values = [PartitionFieldValue(field, partition[place]) for place, field in enumerate(spec.fields)]
    return PartitionKey(values, spec, table.schema())


def _commit(lake: Lake, dataset: str, rewritten: Sequence[_Rewritten]) -> list[_Rewritten]:
    """Replace the files on main, except in partitions whose old files another compaction has replaced meanwhile.

    Each round: read the head, look for the new files, leave out what is stale, commit onto exactly that head.

    Returns:
        The groups that are on main. New files that are not used become orphans.
    """
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        present = {file.file_path for file in lake.data_files(dataset)}
        landed = [each for each in rewritten if _paths(each.files) <= present]
        if landed:
            return landed
        current = [each for each in rewritten if _paths(each.group.files) <= present]
        if not current:
            return []
        try:
            _swap(table, current)
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)  # another writer was first, or the outcome is unknown: look again
    raise CommitUnknown(
        f"compacted files of {dataset} did not get onto main in {COMMIT_ROUNDS} rounds",
        remedy="the next maintenance tries again; no row is lost or doubled",
    )


def _paths(files: Sequence[DataFile]) -> set[str]:
    return {file.file_path for file in files}


def _swap(table: Table, current: Sequence[_Rewritten]) -> None:
    with (
        storage_named(f"the metadata of {table.location()}"),
        durable("compaction-commit"),
        table.transaction() as transaction,
        transaction.update_snapshot({PURPOSE: COMPACTION}).overwrite() as update,
    ):
        for each in current:
            for file in each.group.files:
                update.delete_data_file(file)
            for file in each.files:
                update.append_data_file(file)
