"""Orphans: files below a table that nothing references, left by dead stages, lost commits and compactions.

A file is referenced by a kept snapshot of any branch, by the catalog's metadata log, or by a version that is official
or may become so. Not here: which snapshots are kept (`maintenance`), and which versions count
(`control.integrity.maintenance_requests`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyarrow.fs import FileSelector, FileSystem, FileType
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table

from casegold.domain.errors import InvariantBroken, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.sink.lake import Lake

GRACE = timedelta(days=2)
"""Younger files stay: a stage references its files only when it finishes, and no stage takes a day."""

SUFFIXES = {"data": (".parquet",), "metadata": (".avro", ".metadata.json"), "artifacts": ("",)}
"""What this platform writes below a table, by folder. Other files are left alone."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file that nothing references. `path` is its path in the table's file system."""

    path: str
    bytes: int
    written_at: datetime


def find_orphans(
    lake: Lake, dataset: str, named: Callable[[], Collection[str]], *, now: datetime | None = None
) -> list[Orphan]:
    """Files below a table that nothing references and that are older than `GRACE`, by path.

    Files are listed first and references are collected afterwards, so that a file committed meanwhile is referenced.

    Args:
        named: collects locations that are needed apart from the table's own metadata.
        now: default: the current time. The storage's clock gives a file's age.

    Raises:
        SourceUnavailable: the storage does not answer, or a manifest cannot be read; then nothing is known.
        InvariantBroken: the listing lacks a file that certainly exists, so it cannot be trusted.
    """
    before = (now or datetime.now(UTC)) - GRACE
    table = lake.table(dataset)
    with _storage(dataset):
        listed = list(_listed(table))
        if _path(table, table.metadata_location) not in {each.path for each in listed}:
            raise InvariantBroken(
                f"the listing of {dataset} lacks {table.metadata_location}",
                remedy="nothing was deleted: does the warehouse's location lead to another place than before?",
            )
        old = [each for each in listed if each.written_at < before]
        if not old:
            return []
        table = lake.table(dataset)
        kept = {_path(table, location) for location in [*named_by(table), *named()]}
    return [each for each in old if each.path not in kept]


def delete_orphans(lake: Lake, dataset: str, orphans: Collection[Orphan]) -> int:
    """Delete files; files that are gone already are no error. Return the number of bytes freed.

    Raises:
        SourceUnavailable: the storage does not answer; the next call deletes the rest.
    """
    files, _ = _file_system(lake.table(dataset))
    with _storage(dataset):
        for each in orphans:
            with suppress(FileNotFoundError), durable("orphan-delete"):
                files.delete_file(each.path)
    return sum(each.bytes for each in orphans)


@contextmanager
def _storage(dataset: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceUnavailable(
            f"the files of {dataset} cannot be listed or deleted: {error}",
            remedy="is the warehouse reachable? The next maintenance tries again",
        ) from error


def _listed(table: Table) -> Iterator[Orphan]:
    """Every file of the kinds that this platform writes below a table."""
    files, root = _file_system(table)
    for folder, suffixes in SUFFIXES.items():
        selector = FileSelector(f"{root}/{folder}", allow_not_found=True, recursive=True)
        for info in files.get_file_info(selector):
            if info.type is FileType.File and info.path.endswith(suffixes):
                yield Orphan(info.path, info.size, info.mtime)


def named_by(table: Table) -> Iterator[str]:
    """What a table's metadata references: itself, its log, and all files of its snapshots."""
    metadata = table.metadata
    yield table.metadata_location
    yield from (entry.metadata_file for entry in metadata.metadata_log)
    yield from (each.statistics_path for each in metadata.statistics)
    yield from (each.statistics_path for each in metadata.partition_statistics)
    read: set[str] = set()
    for snapshot in metadata.snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in read:
                continue
            read.add(manifest.manifest_path)
            yield manifest.manifest_path
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                yield entry.data_file.file_path


def _file_system(table: Table) -> tuple[FileSystem, str]:
    """The file system that PyIceberg opens for a table, and the table's root in it."""
    scheme, place, path = PyArrowFileIO.parse_location(table.location(), table.io.properties)
    return PyArrowFileIO(table.io.properties).fs_by_scheme(scheme, place), path.rstrip("/")


def _path(table: Table, location: str) -> str:
    """A location as the table's file system lists it."""
    return PyArrowFileIO.parse_location(location, table.io.properties)[2]
