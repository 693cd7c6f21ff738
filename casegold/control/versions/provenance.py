"""Provenance of published partitions: version, digest, inputs, artifacts. Not here: recording it (`commit`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class Published:
    """The official state of one partition. `digest`: 128 bits in hexadecimal."""

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
    """Consecutive input partitions that were used in the same version."""

    dataset: str
    first: date
    last: date
    version: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file published with a version, in addition to its rows."""

    name: str
    media_type: str
    uri: str
    bytes: int
    sha256: str


def published(control: ControlDb, dataset: str, keys: Collection[date]) -> dict[date, Published]:
    """The official state of these partitions; unpublished ones are left out."""
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
    """The input versions of a published partition; consecutive partitions of one version are one entry."""
    rows = control.rows(query(ROOM, "published_inputs"), {"dataset": dataset, "version": version, "key": key})
    return tuple(UsedVersion(row["input_dataset"], row["first"], row["last"], row["input_version"]) for row in rows)


def artifacts(control: ControlDb, dataset: str, version: int, key: date) -> tuple[Artifact, ...]:
    """The artifacts of a published partition."""
    rows = control.rows(query(ROOM, "published_artifacts"), {"dataset": dataset, "version": version, "key": key})
    return tuple(Artifact(row["name"], row["media_type"], row["uri"], row["bytes"], row["sha256"]) for row in rows)
