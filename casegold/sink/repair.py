"""Makes main hold exactly the files of official versions again, and puts a lost file back in its place.

Not here: which files those are (`control.integrity.repair_ledger`), and their rows (`jobs.repair`).
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import PyArrowFileIO, write_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, WriteTask
from pyiceberg.table.snapshots import Snapshot, ancestors_of

from casegold.control.integrity.repair_ledger import Action, Step
from casegold.control.versions.model import VersionFile
from casegold.domain.errors import CommitUnknown, InvariantBroken, NotReproduced, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.sink.compaction import PURPOSE
from casegold.sink.digest import Digest, digest_of
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake, storage_named
from casegold.sink.recorded_files import data_file, partition_key
from casegold.sink.staging import partition_of

REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Difference:
    """How the head of main differs from the official files: entries to remove, and files to add."""

    head: Snapshot
    wrong: tuple[DataFile, ...]
    absent: tuple[VersionFile, ...]

    def __bool__(self) -> bool:
        return bool(self.wrong or self.absent)


def difference(lake: Lake, dataset: str, official: Sequence[VersionFile]) -> Difference:
    """Compare main with the official files: each must be there once, with its recorded rows and bytes.

    Raises:
        InvariantBroken: there are delete files, which this platform never writes.
        SourceUnavailable: the catalog or the storage does not answer.
    """
    head = lake.table(dataset).current_snapshot()
    if head is None:
        raise InvariantBroken(f"{dataset} lost its snapshots")
    wanted = {file.path: file for file in official}
    on_main = lake.data_files(dataset, snapshot_id=head.snapshot_id)
    times = Counter(file.file_path for file in on_main)
    wrong = {file.file_path: file for file in on_main if times[file.file_path] > 1 or not _as_recorded(file, wanted)}
    right = times.keys() - wrong.keys()
    return Difference(head, tuple(wrong.values()), tuple(file for file in official if file.path not in right))


def _as_recorded(file: DataFile, wanted: dict[str, VersionFile]) -> bool:
    recorded = wanted.get(file.file_path)
    return recorded is not None and (recorded.rows, recorded.bytes) == (file.record_count, file.file_size_in_bytes)


def steps(lake: Lake, dataset: str, found: Difference) -> list[Step]:
    """What has to be done to main, and since when each file is wrong there, as far as the kept snapshots show."""
    official = {file.path for file in found.absent}
    gone = [file for file in found.wrong if file.file_path not in official]
    entries = {file.file_path: file.file_size_in_bytes for file in found.wrong}
    since = _since(lake, dataset, found.head, {file.file_path for file in gone}, official - entries.keys())

    def step(partition: object, path: str, action: Action, rows: int, size: int) -> Step:
        snapshot = since.get(path)
        at = None if snapshot is None else datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        return Step(partition, path, action, rows, size, None, snapshot and snapshot.snapshot_id, at)  # type: ignore[arg-type]

    return [
        *(step(partition_of(f), f.file_path, Action.REMOVED, f.record_count, f.file_size_in_bytes) for f in gone),
        *(step(f.partition, f.path, Action.RESTORED, f.rows, entries.get(f.path, f.bytes)) for f in found.absent),
    ]


def _since(lake: Lake, dataset: str, head: Snapshot, there: set[str], lacking: set[str]) -> dict[str, Snapshot]:
    """The first snapshot of main since which each file has been present without a break, or missing.

    A file for which this holds in all kept snapshots has no first one, unless the history of main begins there.
    """
    found: dict[str, Snapshot] = {}
    waiting = there | lacking
    for snapshot in ancestors_of(head, lake.table(dataset).metadata):
        paths = {file.file_path for file in lake.data_files(dataset, snapshot_id=snapshot.snapshot_id)}
        waiting = {path for path in waiting if (path in paths) == (path in there)}
        found |= dict.fromkeys(waiting, snapshot)
        if not waiting or snapshot.parent_snapshot_id is None:
            return found
    return {path: snapshot for path, snapshot in found.items() if path not in waiting}


def restore_main(
    lake: Lake,
    dataset: str,
    official: Sequence[VersionFile],
    summary: dict[str, str],
    prepare: Callable[[list[Step]], None],
) -> int:
    """Make main hold exactly the official files, in one commit. Return the id of the snapshot that does.

    Each round: read the head, compare, have the steps recorded, commit onto exactly that head.

    Args:
        prepare: records the steps before the commit; raises if the claim is no longer ours.

    Raises:
        ConfigurationError: an official file is missing in the storage, or is not the one recorded.
        CommitUnknown: the catalog took none of the commits.
    """
    for pause in range(COMMIT_ROUNDS):
        found = difference(lake, dataset, official)
        if not found:
            return found.head.snapshot_id
        table = lake.table(dataset)
        entries = [_entry(table, file) for file in found.absent]
        prepare(steps(lake, dataset, found))
        try:
            _swap(lake.table(dataset), found, entries, summary)
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)  # another writer was first, or the outcome is unknown: look again
    raise CommitUnknown(
        f"main of {dataset} could not be repaired in {COMMIT_ROUNDS} rounds",
        remedy="another program keeps writing this table: stop it, then ask again",
    )


def _swap(table: Table, found: Difference, entries: Sequence[DataFile], summary: dict[str, str]) -> None:
    if table.metadata.current_snapshot_id != found.head.snapshot_id:
        raise CommitFailedException("main moved since it was compared")
    with (
        storage_named(f"the metadata of {table.location()}"),
        durable("repair-commit"),
        table.transaction() as transaction,
        transaction.update_snapshot({PURPOSE: REPAIR, **summary}).overwrite() as update,
    ):
        for file in found.wrong:
            update.delete_data_file(file)
        for file in entries:
            update.append_data_file(file)


def _entry(table: Table, recorded: VersionFile) -> DataFile:
    """Iceberg's entry of a recorded file. Its columns must be those of the table, which may have been recreated."""
    entry = data_file(table, recorded)
    with table.io.new_input(recorded.path).open() as stream:
        schema = pq.read_schema(stream)
    found = {field.name: int((field.metadata or {}).get(b"PARQUET:field_id", b"-1")) for field in schema}
    wanted = {field.name: field.field_id for field in table.schema().fields}
    if found != wanted:
        raise InvariantBroken(
            f"columns of {recorded.path} are not those of its table: {sorted(found.items() ^ wanted.items())[0]}",
            remedy="restore the table's metadata from a backup: docs/runbooks/lost-tables.md",
        )
    return entry


def write_lost_file(table: Table, recorded: VersionFile, rows: pa.Table) -> DataFile:
    """Write the rows of a lost file under a new name, and read them back.

    Raises:
        NotReproduced: the rows are not those that were recorded; nothing is written.
        SourceUnavailable: the storage does not answer.
    """
    wanted = Digest(recorded.digest_high, recorded.digest_low, recorded.rows)
    if digest_of(rows) != wanted:
        raise NotReproduced(
            f"file {recorded.path} of {recorded.partition} computed again has digest {digest_of(rows)}, "
            f"recorded is {wanted}",
            remedy="nobody may rely on these figures until it is known why: docs/runbooks/lost-files.md",
        )
    task = WriteTask(
        write_uuid=uuid.uuid4(),
        task_id=0,
        schema=table.schema(),
        record_batches=rows.combine_chunks().to_batches(),
        partition_key=partition_key(table, recorded),
    )
    try:
        with storage_named(recorded.path), durable("repair-write"):
            (written,) = write_file(table.io, table.metadata, iter([task]))
        with table.io.new_input(written.file_path).open() as stream:
            found = digest_of(pq.read_table(stream))
    except OSError as error:
        raise _unavailable(recorded, error) from error
    if found != wanted:
        raise InvariantBroken(f"{written.file_path} was written with digest {wanted} and has {found}")
    return written


def put_in_place(table: Table, written: DataFile, recorded: VersionFile) -> None:
    """Rename the new file to the name of the lost one, in one step. A lost file that has come back meanwhile stays.

    Raises:
        SourceUnavailable: the storage does not answer.
    """
    try:
        if table.io.new_input(recorded.path).exists():
            return
        scheme, place, path = PyArrowFileIO.parse_location(recorded.path, table.io.properties)
        _, _, fresh = PyArrowFileIO.parse_location(written.file_path, table.io.properties)
        files = PyArrowFileIO(table.io.properties).fs_by_scheme(scheme, place)
        with storage_named(recorded.path), durable("repair-file"):
            files.move(fresh, path)
    except OSError as error:
        raise _unavailable(recorded, error) from error


def _unavailable(recorded: VersionFile, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(
        f"file {recorded.path} of {recorded.partition} cannot be put back: {error}",
        remedy="is the warehouse reachable? Ask again",
    )
