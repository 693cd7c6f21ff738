"""Two versions of a dataset compared: which partitions differ, and which files only one of them has.

A partition as of a version has the content of the newest completed version up to it that contains the partition.
Not here: comparing rows (`jobs.difference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from casegold.control.db import Connection
from casegold.domain.difference import PartitionDifference
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class FilesApart:
    """Paths of the files on one side only. They hold all rows that differ: a shared file has the same rows on both."""

    before: tuple[str, ...]
    after: tuple[str, ...]


def partitions(
    connection: Connection, dataset: str, before: int, after: int, partition: date | None = None
) -> list[PartitionDifference]:
    """The partitions whose digests differ, ascending; `partition` restricts the answer to one.

    Raises:
        ConfigurationError: the dataset has no such completed version.
    """
    for version in (before, after):
        place = {"dataset": dataset, "version": version}
        if connection.execute(query(ROOM, "recorded_version"), place).fetchone() is None:
            raise ConfigurationError(
                f"{dataset} has no completed version {version}", remedy=f"`casegold versions {dataset}` lists them"
            )
    parameters = {"dataset": dataset, "before": before, "after": after, "partition": partition}
    return [
        PartitionDifference(row["partition_key"], row["before"], row["after"], row["rows_before"], row["rows_after"])
        for row in connection.execute(query(ROOM, "compared_partitions"), parameters)
    ]


def files_apart(connection: Connection, dataset: str, of: Sequence[PartitionDifference]) -> FilesApart:
    """The files of the given partitions that only one side has; shared files need not be read."""
    before = _files(connection, dataset, [(each.key, each.version_before) for each in of])
    after = _files(connection, dataset, [(each.key, each.version_after) for each in of])
    return FilesApart(tuple(sorted(before - after)), tuple(sorted(after - before)))


def _files(connection: Connection, dataset: str, places: Sequence[tuple[date, int | None]]) -> set[str]:
    published = [(key, version) for key, version in places if version is not None]
    parameters = {
        "dataset": dataset,
        "partitions": [key for key, _ in published],
        "versions": [version for _, version in published],
    }
    return {row["file_path"] for row in connection.execute(query(ROOM, "compared_files"), parameters)}
