"""A completed version as recorded: everything needed to republish its partitions.

Not here: its rows (they are in its files), the new version (`commit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.db import Connection
from casegold.control.versions.model import (
    Seen,
    VersionArtifact,
    VersionFile,
    VersionInput,
    VersionPartition,
    file_of,
    short_id,
)
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """Some or all of the partitions that a version changed, with everything recorded of them."""

    dataset: str
    version: int
    quality_status: str
    publication: str
    transform_version: str
    contract_version: str
    seen: Seen
    partitions: tuple[VersionPartition, ...]
    files: tuple[VersionFile, ...]
    inputs: tuple[VersionInput, ...]
    artifacts: tuple[VersionArtifact, ...]
    tolerated: tuple[dict[str, Any], ...]

    @property
    def keys(self) -> list[date]:
        """Its partitions, ascending; at least one."""
        return [partition.key for partition in self.partitions]


def version(connection: Connection, dataset: str, number: int, wanted: Sequence[date] = ()) -> RecordedVersion:
    """A completed version, restricted to the `wanted` partitions; without any, all that it changed.

    Raises:
        ConfigurationError: there is no such version, or it did not change a wanted partition.
    """
    place = {"dataset": dataset, "version": number}
    row = connection.execute(query(ROOM, "recorded_version"), place).fetchone()
    if row is None:
        raise ConfigurationError(
            f"{dataset} has no completed version {number}", remedy=f"`casegold versions {dataset}` lists them"
        )
    partitions = tuple(
        VersionPartition(each["partition_key"], each["row_count"], int(each["digest_high"]), int(each["digest_low"]))
        for each in connection.execute(query(ROOM, "recorded_partitions"), place)
        if not wanted or each["partition_key"] in wanted
    )
    missing = set(wanted) - {partition.key for partition in partitions}
    if missing:
        raise ConfigurationError(
            f"{short_id(dataset, number)} did not change {min(missing)}",
            remedy=f"`casegold versions {dataset}` shows the range of each version; name the one that changed it",
        )
    place |= {"partitions": [partition.key for partition in partitions]}
    return RecordedVersion(
        dataset=dataset,
        version=number,
        quality_status=row["quality_status"],
        publication=row["publication"],
        transform_version=row["transform_version"],
        contract_version=row["contract_version"],
        seen=Seen(
            row["seen"]["admitted_seq"],
            row["seen"]["totals_seq"],
            row["seen"]["transform"],
            row["seen"]["contract"],
            {date.fromisoformat(key): digest for key, digest in row["seen"]["inputs"].items()},
        ),
        partitions=partitions,
        files=tuple(file_of(each) for each in connection.execute(query(ROOM, "recorded_files"), place)),
        inputs=tuple(
            VersionInput(each["partition_key"], each["input_dataset"], each["input_partition"], each["input_version"])
            for each in connection.execute(query(ROOM, "recorded_inputs"), place)
        ),
        artifacts=tuple(_artifact(each) for each in connection.execute(query(ROOM, "recorded_artifacts"), place)),
        tolerated=tuple(row["tolerated"]),
    )


def _artifact(row: dict[str, Any]) -> VersionArtifact:
    return VersionArtifact(
        row["partition_key"], row["name"], row["media_type"], row["uri"], row["bytes"], row["sha256"]
    )


def republished_as(connection: Connection, recorded: RecordedVersion) -> int | None:
    """The version that already republished these partitions and still pins them; None if there is none."""
    parameters = {"dataset": recorded.dataset, "version": recorded.version, "partitions": recorded.keys}
    row = connection.execute(query(ROOM, "recorded_again"), parameters).fetchone()
    return None if row is None else row["version"]
