"""Staging: files of a run on a branch of its own, written in bounded pieces; only the gate reads them.

Not here: judging what was staged, and making it official (`publish`).
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Self

import duckdb
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import BooleanExpression, parser
from pyiceberg.io.pyarrow import write_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table, WriteTask

from casegold.control.versions.model import VersionFile
from casegold.domain.errors import CommitUnknown, InvariantBroken, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.domain.sql import query
from casegold.sink.digest import Digest, digest_of
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake, storage_named
from casegold.sink.recorded_files import data_file

ROOM = "casegold.sink"

HASHES = 65_536
"""Number of case hashes: the first four hexadecimal digits of a case id's MD5, the same in every engine and release."""

ROWS_PER_FILE = 50_000
"""About 2 MB of snapshot rows. Smaller files would mean less to rewrite for one late fact, but more files to open."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One data file: the rows of one partition whose case hash lies in [hash_from, hash_to)."""

    path: str
    rows: int
    bytes: int
    digest: Digest
    hash_from: int
    hash_to: int


@dataclass(frozen=True, slots=True)
class StagedPartition:
    """A partition as staged. A partition without files is empty."""

    key: date
    files: tuple[StagedFile, ...]

    @property
    def digest(self) -> Digest:
        return sum((file.digest for file in self.files), Digest())


@dataclass(frozen=True, slots=True)
class StagedVersion:
    """Exactly what the gate judges and what may become official."""

    dataset: str
    branch: str
    base_snapshot_id: int
    snapshot_id: int
    partitions: tuple[StagedPartition, ...]


@dataclass
class Stage:
    """The open stage of one attempt. Write every partition of its range, then `finish`.

    Rows that are identical to those of a current file over the same hash range are not written again: that file is
    kept.
    """

    lake: Lake
    dataset: str
    branch: str
    table: Table
    base_snapshot_id: int
    current: Sequence[VersionFile] = ()
    _files: dict[date, list[StagedFile]] = field(default_factory=dict)
    _new: list[DataFile] = field(default_factory=list)
    _task: Iterator[int] = field(default_factory=itertools.count)
    _write_uuid: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def open(cls, lake: Lake, dataset: str, run_id: str, attempt: int, current: Sequence[VersionFile] = ()) -> Self:
        """Begin at the current head of main. `finish` creates the branch.

        Args:
            current: recorded files of the range's official versions; a file whose rows come out the same is kept.
        """
        table = lake.table(dataset)
        head = table.current_snapshot()
        if head is None:
            raise InvariantBroken(f"{dataset} has no snapshot to branch from")
        return cls(lake, dataset, branch_name(run_id, attempt), table, head.snapshot_id, current)

    def write(self, partition: date, rows: pa.Table, hash_from: int, hash_to: int) -> None:
        """Write one file of one partition, or keep the current file with the same rows.

        Without rows there is no file, but the partition counts as staged.
        """
        files = self._files.setdefault(partition, [])
        if rows.num_rows == 0:
            return
        digest = digest_of(rows)
        kept = self._reusable.get((partition, hash_from, hash_to, digest))
        if kept is not None:
            files.append(StagedFile(kept.path, kept.rows, kept.bytes, digest, hash_from, hash_to))
            return
        task = WriteTask(
            write_uuid=self._write_uuid,
            task_id=next(self._task),
            schema=self.table.schema(),
            record_batches=rows.combine_chunks().to_batches(),
            partition_key=_partition_key(self.table, partition),
        )
        try:
            with storage_named(f"the stage of {self.dataset}"), durable("stage-write"):
                written = list(write_file(self.table.io, self.table.metadata, iter([task])))
        except OSError as error:
            raise SourceUnavailable(
                f"a file of {self.dataset} {partition} cannot be written: {error}",
                remedy="is the warehouse reachable? The next attempt stages again",
            ) from error
        self._new += written
        files += [
            StagedFile(file.file_path, file.record_count, file.file_size_in_bytes, digest, hash_from, hash_to)
            for file in written
        ]

    def adopt(self, keys: Sequence[date], files: Sequence[VersionFile]) -> None:
        """Stage partitions with the files that were recorded for them, whatever snapshot has these. Writes no file.

        Raises:
            ConfigurationError: a file is missing or is not the one that was recorded.
            SourceUnavailable: the warehouse does not answer.
        """
        present = {file.path for file in self.current}
        self._files |= {key: [] for key in keys}
        for file in files:
            self._files[file.partition].append(_staged(file))
        self._new += [data_file(self.table, file) for file in files if file.path not in present]

    def files_of(self, keys: Sequence[date]) -> tuple[VersionFile, ...]:
        """The files of staged partitions, to be recorded."""
        return tuple(
            VersionFile(
                key,
                file.path,
                file.rows,
                file.bytes,
                file.digest.high,
                file.digest.low,
                file.hash_from,
                file.hash_to,
            )
            for key in keys
            for file in self._files[key]
        )

    @cached_property
    def _reusable(self) -> dict[tuple[date, int, int, Digest], VersionFile]:
        return {
            (file.partition, file.hash_from, file.hash_to, Digest(file.digest_high, file.digest_low, file.rows)): file
            for file in self.current
        }

    def ranges(self, partition: date) -> list[tuple[int, int]]:
        """The hash ranges of a partition's current files."""
        return self._ranges.get(partition, [])

    @cached_property
    def _ranges(self) -> dict[date, list[tuple[int, int]]]:
        found: dict[date, list[tuple[int, int]]] = {}
        for file in self.current:
            found.setdefault(file.partition, []).append((file.hash_from, file.hash_to))
        return found

    def finish(self) -> StagedVersion:
        """Commit the files to the branch in one snapshot: the staged partitions then have these files and no others."""
        snapshot_id = self._commit()
        partitions = tuple(StagedPartition(key, tuple(files)) for key, files in sorted(self._files.items()))
        return StagedVersion(self.dataset, self.branch, self.base_snapshot_id, snapshot_id, partitions)

    def _commit(self) -> int:
        """Commit onto the branch. If the branch has moved, it must hold exactly the files of this stage.

        Raises:
            CommitUnknown: the branch did not take the commit.
            InvariantBroken: the branch holds other files, or main lacks an official file.
        """
        wanted = {file.path for files in self._files.values() for file in files}
        old = self._files_at(self.base_snapshot_id)
        missing = wanted - {file.file_path for file in [*old, *self._new]}
        if missing:
            raise InvariantBroken(
                f"{len(missing)} official files of {self.dataset} are not on main, {min(missing)} among them",
                remedy="only casegold may write this table: find out who else did",
            )
        replaced = [file for file in old if file.file_path not in wanted]
        present = {file.file_path for file in old}
        added = [file for file in self._new if file.file_path not in present]
        create_branch(self.lake, self.dataset, self.branch, self.base_snapshot_id)
        for pause in range(COMMIT_ROUNDS):
            table = self.lake.table(self.dataset)
            staged = table.snapshot_by_name(self.branch)
            if staged is not None and staged.snapshot_id != self.base_snapshot_id:
                if {file.file_path for file in self._files_at(staged.snapshot_id)} != wanted:
                    raise InvariantBroken(f"branch {self.branch} of {self.dataset} holds files of another stage")
                return staged.snapshot_id
            try:
                self._send(table, replaced, added)
            except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
                time.sleep(0.02 * pause)  # another branch moved, or the outcome is unknown: look again
        raise CommitUnknown(f"the stage {self.branch} of {self.dataset} could not be committed", remedy="retry the run")

    def _files_at(self, snapshot_id: int) -> list[DataFile]:
        """The files of the staged partitions in a snapshot."""
        files = self.lake.data_files(self.dataset, row_filter=self._within(), snapshot_id=snapshot_id)
        return in_partitions(files, set(self._files))

    def _within(self) -> BooleanExpression:
        return partition_filter(self.table, min(self._files), max(self._files))

    def _send(self, table: Table, replaced: Sequence[DataFile], added: Sequence[DataFile]) -> None:
        summary = {"casegold.staged": self.branch}
        with (
            storage_named(f"the stage of {self.dataset}"),
            durable("stage-commit"),
            table.transaction() as transaction,
            transaction.update_snapshot(summary, branch=self.branch).overwrite() as update,
        ):
            update.delete_by_predicate(self._within())
            for file in replaced:
                update.delete_data_file(file)
            for file in added:
                update.append_data_file(file)


def _staged(file: VersionFile) -> StagedFile:
    digest = Digest(file.digest_high, file.digest_low, file.rows)
    return StagedFile(file.path, file.rows, file.bytes, digest, file.hash_from, file.hash_to)


def branch_name(run_id: str, attempt: int) -> str:
    """The branch of one attempt."""
    return f"audit-{run_id[:16]}-{attempt}"


def create_branch(lake: Lake, dataset: str, branch: str, snapshot_id: int) -> None:
    """Create a branch at a snapshot. An existing branch is left as it is: creating it again would move it."""
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        if branch in table.refs():
            return
        try:
            with storage_named(f"the metadata of {dataset}"), durable("stage-branch"):
                table.manage_snapshots().create_branch(snapshot_id, branch).commit()
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)
    raise CommitUnknown(f"branch {branch} of {dataset} could not be created", remedy="retry the run")


def remove_branch(lake: Lake, dataset: str, branch: str) -> None:
    """Drop a branch. Its files stay until maintenance finds them to be orphans."""
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        if branch not in table.refs():
            return
        try:
            with storage_named(f"the metadata of {dataset}"), durable("branch-remove"):
                table.manage_snapshots().remove_branch(branch).commit()
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)
    raise CommitUnknown(f"branch {branch} of {dataset} could not be removed", remedy="maintenance removes it later")


def case_ranges(
    rows: pa.Table, existing: Sequence[tuple[int, int]] = (), rows_per_file: int = ROWS_PER_FILE
) -> Iterator[tuple[int, int, pa.Table]]:
    """Split one partition's rows by case hash into a power of two of parts, of about `rows_per_file` rows each.

    Few rows, or rows without a case id, are one part. Order is kept within a part.

    Args:
        existing: the partition's current hash ranges. They are kept while their parts are at most twice too large or
            too small: otherwise a few new cases would rewrite every file.
    """
    parts = 1
    while rows.num_rows > parts * 2 * rows_per_file:
        parts *= 2
    if existing:
        present = HASHES // (existing[0][1] - existing[0][0])
        if present // 2 <= parts <= present * 2:
            parts = present
    if parts == 1 or "case_id" not in rows.column_names:
        yield 0, HASHES, rows
        return
    step = HASHES // parts
    for hash_from in range(0, HASHES, step):
        yield hash_from, hash_from + step, case_range(rows, hash_from, hash_from + step)


def case_range(rows: pa.Table, hash_from: int, hash_to: int) -> pa.Table:
    """The rows whose case hash lies in [hash_from, hash_to), in their order; for the full range, all rows."""
    if (hash_from, hash_to) == (0, HASHES):
        return rows
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        bounds = {"hash_from": hash_from, "hash_to": hash_to}
        return connection.execute(query(ROOM, "case_range"), bounds).to_arrow_table().cast(rows.schema)


def partition_of(file: DataFile) -> date:
    """The date that a file of a dataset partitioned by one date column belongs to."""
    value = file.partition[0]
    return value if isinstance(value, date) else date.fromordinal(date(1970, 1, 1).toordinal() + int(value))


def partition_filter(table: Table, first: date, last: date) -> BooleanExpression:
    """Rows of the partitions from `first` to `last`."""
    column = table.schema().find_column_name(table.spec().fields[0].source_id)
    if column is None:
        raise InvariantBroken(f"{table.name()} is partitioned by a column that it does not have")
    return parser.parse(f"{column} >= '{first}' and {column} <= '{last}'")


def in_partitions(files: Sequence[DataFile], keys: set[date]) -> list[DataFile]:
    """The files that belong to some partitions."""
    return [file for file in files if partition_of(file) in keys]


def _partition_key(table: Table, partition: date) -> PartitionKey:
    spec = table.spec()
    return PartitionKey([PartitionFieldValue(spec.fields[0], partition)], spec, table.schema())
