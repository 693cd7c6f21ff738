"""What is official: the current versions of partitions, and the versions and files that a run pinned.

Not here: making a version official (`commit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from casegold.control.db import Connection
from casegold.control.versions.model import (
    InputVersion,
    PartitionState,
    PinnedPartition,
    VersionFile,
    file_of,
)
from casegold.domain.errors import InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


def current_of(connection: Connection, dataset: str, partition: date) -> int | None:
    """The official version of a partition; None if it has none."""
    parameters = {"dataset": dataset, "partition": partition}
    row = connection.execute(query(ROOM, "version_current"), parameters).fetchone()
    return None if row is None else int(row["current_version"])


def partition_states(connection: Connection, dataset: str, first: date, last: date) -> dict[date, PartitionState]:
    """The published partitions of a range."""
    parameters = {"dataset": dataset, "first": first, "last": last}
    rows = connection.execute(query(ROOM, "partition_states"), parameters)
    return {
        row["partition_key"]: PartitionState(
            row["partition_key"],
            row["current_version"],
            row["row_count"],
            int(row["digest_high"]),
            int(row["digest_low"]),
        )
        for row in rows
    }


def current_files(connection: Connection, dataset: str, partitions: Sequence[date]) -> list[VersionFile]:
    """The files of the current version of each of these partitions."""
    rows = connection.execute(
        query(ROOM, "version_current_files"), {"dataset": dataset, "partitions": list(partitions)}
    )
    return [file_of(row) for row in rows]


def input_versions(connection: Connection, wanted: Sequence[PinnedPartition]) -> dict[PinnedPartition, InputVersion]:
    """Pinned input partitions with the quality status of their publication.

    Raises:
        InvariantBroken: one of them was never published.
    """
    rows = connection.execute(query(ROOM, "version_inputs_pinned"), _arrays(wanted))
    found = {
        (row["dataset"], row["partition_key"], row["version"]): InputVersion(
            row["dataset"], row["partition_key"], row["version"], row["quality_status"], tuple(row["tolerated"])
        )
        for row in rows
    }
    for each in wanted:
        if each not in found:
            raise InvariantBroken(f"{each[0]} {each[1]} was never published in version {each[2]}")
    return found


def files_of(connection: Connection, wanted: Sequence[PinnedPartition]) -> list[str]:
    """Paths of the recorded files of pinned partitions."""
    return [row["file_path"] for row in connection.execute(query(ROOM, "version_files_pinned"), _arrays(wanted))]


def _arrays(wanted: Sequence[PinnedPartition]) -> dict[str, list[Any]]:
    return {
        "datasets": [dataset for dataset, _, _ in wanted],
        "partitions": [partition for _, partition, _ in wanted],
        "versions": [version for _, _, version in wanted],
    }
