"""What stands behind published partitions: version, digest, inputs, artifacts. Not here: how they get there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class Published:
    """The official state of one partition. `digest` is its two words in hexadecimal."""

    key: date
    version: int
    row_count: int
    digest: str
    quality: str
    publication: str
    run_id: str
    admitted_seq: int | None
    totals_seq: int | None
    transform_version: str
    contract_version: str


@dataclass(frozen=True, slots=True)
class UsedVersion:
    """Consecutive partitions of an input, all taken from one of its versions."""

    dataset: str
    first: date
    last: date
    version: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file beside a version's rows."""

    name: str
    media_type: str
    uri: str
    bytes: int
    sha256: str


def published(control: ControlDb, dataset: str, keys: Collection[date]) -> dict[date, Published]:
    """The current official state of these partitions; those never published are left out."""
    rows = control.rows(query(ROOM, "published_partitions"), {"dataset": dataset, "keys": list(keys)})
    return {
        row["partition_key"]: Published(
            key=row["partition_key"],
            version=row["version"],
            row_count=row["row_count"],
            digest=f"{int(row['digest_high']):016x}{int(row['digest_low']):016x}",
            quality=row["quality_status"],
            publication=row["publication"],
            run_id=row["run_id"],
            admitted_seq=row["admitted_seq"],
            totals_seq=row["totals_seq"],
            transform_version=row["transform_version"],
            contract_version=row["contract_version"],
        )
        for row in rows
    }


def used_versions(control: ControlDb, dataset: str, version: int, key: date) -> tuple[UsedVersion, ...]:
    """Of which versions a published partition was made, consecutive partitions of one version together."""
    rows = control.rows(query(ROOM, "published_inputs"), {"dataset": dataset, "version": version, "key": key})
    return tuple(UsedVersion(row["input_dataset"], row["first"], row["last"], row["input_version"]) for row in rows)


def artifacts(control: ControlDb, dataset: str, version: int, key: date) -> tuple[Artifact, ...]:
    """The files beside a published partition's rows."""
    rows = control.rows(query(ROOM, "published_artifacts"), {"dataset": dataset, "version": version, "key": key})
    return tuple(Artifact(row["name"], row["media_type"], row["uri"], row["bytes"], row["sha256"]) for row in rows)
