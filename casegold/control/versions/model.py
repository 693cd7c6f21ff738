"""Versions, partitions, files, inputs and artifacts as types. Not here: any query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from casegold.control.model import Mode


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A data file of a version, its part of the partition's digest, and its range of case hashes."""

    partition: date
    path: str
    rows: int
    bytes: int
    digest_high: int
    digest_low: int
    hash_from: int
    hash_to: int


@dataclass(frozen=True, slots=True)
class VersionPartition:
    """A partition that a version changes."""

    key: date
    rows: int
    digest_high: int
    digest_low: int


@dataclass(frozen=True, slots=True)
class VersionInput:
    """One input of a partition: the version of an input partition, or the pinned sequence of an unversioned dataset."""

    partition: date
    input_dataset: str
    input_partition: date
    input_version: int


@dataclass(frozen=True, slots=True)
class VersionArtifact:
    """A file published with a version, in addition to its rows."""

    partition: date
    name: str
    media_type: str
    uri: str
    bytes: int
    sha256: str


PinnedPartition = tuple[str, date, int]
"""Dataset, partition, version."""


@dataclass(frozen=True, slots=True)
class InputVersion:
    """An input partition in the version that a run pinned."""

    dataset: str
    partition: date
    version: int
    quality: str
    tolerated: tuple[str, ...]
    """Failures that its gate tolerated, one line for each check."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state up to which partitions were judged; recorded for the whole range, changed or not."""

    admitted_seq: int
    totals_seq: int
    transform: str
    contract: str
    inputs: dict[date, str | None]
    """For each judged partition the digest of its input versions; None if it was computed from facts."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A version that only the process with its token may commit."""

    dataset: str
    version: int
    run_id: str
    attempt: int
    token: UUID
    staged_branch: str
    staged_snapshot_id: int
    base_snapshot_id: int
    state: str


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Everything about a version that is known before its commit.

    `number` is the version number in its artifacts; None if they have none. The claim guarantees that it is still the
    next one.
    """

    dataset: str
    base_snapshot_id: int
    staged_branch: str
    staged_snapshot_id: int
    quality_status: str
    publication: str
    transform_version: str
    contract_version: str
    mode: Mode
    caused_by: tuple[str, ...]
    partitions: tuple[VersionPartition, ...]
    files: tuple[VersionFile, ...]
    inputs: tuple[VersionInput, ...]
    artifacts: tuple[VersionArtifact, ...]
    seen: Seen
    number: int | None = None
    republished_from: int | None = None
    """The version that this one republishes, with the same files; its partitions will be pinned."""
    tolerated: tuple[dict[str, Any], ...] = ()
    """For each check: failures within the contract's tolerance, as announced (`jobs.gate`)."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """The official state of a partition."""

    key: date
    version: int
    rows: int
    digest_high: int
    digest_low: int


def file_of(row: dict[str, Any]) -> VersionFile:
    """A file from a row that has the columns of `version_file`."""
    return VersionFile(
        row["partition_key"],
        row["file_path"],
        row["record_count"],
        row["file_bytes"],
        int(row["digest_high"]),
        int(row["digest_low"]),
        row["hash_from"],
        row["hash_to"],
    )


def short_id(dataset: str, version: int) -> str:
    """The name of a version for people and events, such as `snapshot-000391`."""
    return f"{dataset.rsplit('_', 1)[-1].rsplit('/', 1)[-1]}-{version:06d}"
