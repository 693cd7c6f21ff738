"""Dataset versions in the control database: prepared before the commit in the lake, completed or abandoned after it.

All queries on versions, their partitions, files, inputs and artifacts, and on partition states are here. Not here: the
lake, the order of writes in database and lake (`sink.publish`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.errors import RestrictViolation
from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.control.model import Claim, Mode
from casegold.control.versions import pins
from casegold.domain.errors import ConfigurationError, InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


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


def current_of(connection: Connection, dataset: str, partition: date) -> int | None:
    """The official version of a partition; None if it has none."""
    parameters = {"dataset": dataset, "partition": partition}
    row = connection.execute(query(ROOM, "version_current"), parameters).fetchone()
    return None if row is None else int(row["current_version"])


def record_file_bytes(connection: Connection, dataset: str, path: str, size: int) -> None:
    """Record the new size of a rewritten file with the same rows, in every version that has the file."""
    connection.execute(query(ROOM, "version_file_bytes"), {"dataset": dataset, "path": path, "bytes_after": size})


def prepare(connection: Connection, claim: Claim, new: NewVersion) -> Prepared:
    """Record a version completely before anything is committed to the lake. The caller holds the claim.

    Raises:
        psycopg.errors.UniqueViolation: the dataset has an undecided version, which must be resolved first.
        ConfigurationError: a partition is pinned.
    """
    row = connection.execute(
        query(ROOM, "version_prepare"),
        {
            "dataset": new.dataset,
            "run_id": claim.run_id,
            "attempt": claim.attempt,
            "token": claim.token,
            "mode": new.mode,
            "base_snapshot_id": new.base_snapshot_id,
            "staged_branch": new.staged_branch,
            "staged_snapshot_id": new.staged_snapshot_id,
            "quality_status": new.quality_status,
            "publication": new.publication,
            "transform_version": new.transform_version,
            "contract_version": new.contract_version,
            "caused_by": Jsonb(list(new.caused_by)),
            "seen": Jsonb(_seen_json(new.seen)),
            "republished_from": new.republished_from,
            "tolerated": Jsonb(list(new.tolerated)),
        },
    ).fetchone()
    if row is None:
        raise InvariantBroken(f"a version of {new.dataset} was not inserted")
    version = int(row["version"])
    if new.number not in (None, version):
        raise InvariantBroken(
            f"version {version} of {new.dataset} has the number {new.number} in its artifacts",
            remedy="another process wrote versions without the dataset's claim",
        )
    base: dict[str, Any] = {"dataset": new.dataset, "version": version}
    with connection.cursor() as cursor:
        try:
            cursor.executemany(query(ROOM, "version_partition_insert"), [base | _columns(p) for p in new.partitions])
        except RestrictViolation as error:
            raise ConfigurationError(
                f"{error.diag.message_primary}: run {claim.run_id[:12]} may not replace it",
                remedy=f"`casegold release {new.dataset}` unpins it; the planner then asks for what is due",
            ) from error
        cursor.executemany(query(ROOM, "version_file_insert"), [base | _columns(f) for f in new.files])
        cursor.executemany(query(ROOM, "version_input_insert"), [base | _columns(i) for i in new.inputs])
        cursor.executemany(query(ROOM, "version_artifact_insert"), [base | _columns(a) for a in new.artifacts])
    return _prepared(row)


def next_number(connection: Connection, dataset: str) -> int:
    """The number of the next version; reliable as long as the caller holds the dataset's claim."""
    row = connection.execute(query(ROOM, "version_next_number"), {"dataset": dataset}).fetchone()
    return 1 if row is None else int(row["number"])


def undecided_number(connection: Connection, dataset: str) -> int | None:
    """The number of the dataset's PREPARED or ABANDONING version; None if there is none."""
    row = connection.execute(query(ROOM, "version_is_undecided"), {"dataset": dataset}).fetchone()
    return None if row is None else int(row["version"])


def undecided(connection: Connection, dataset: str) -> Prepared | None:
    """The dataset's PREPARED or ABANDONING version, locked until the transaction ends; None if there is none."""
    row = connection.execute(query(ROOM, "version_undecided"), {"dataset": dataset}).fetchone()
    return None if row is None else _prepared(row)


def may_commit(connection: Connection, prepared: Prepared) -> bool:
    """Whether the version is still PREPARED under this token."""
    row = connection.execute(query(ROOM, "version_state"), _place(prepared)).fetchone()
    return row is not None and row["state"] == "PREPARED" and row["token"] == prepared.token


def abandoning(connection: Connection, prepared: Prepared, token: UUID) -> None:
    """Replace the token of a PREPARED version, so that its publisher stops before its next commit."""
    connection.execute(query(ROOM, "version_abandoning"), _place(prepared) | {"new_token": token})


def abandon(connection: Connection, prepared: Prepared, reason: str) -> None:
    """Record that the version is not in the lake and never will be."""
    connection.execute(query(ROOM, "version_abandon"), _place(prepared) | {"reason": reason})


def partition_keys(connection: Connection, prepared: Prepared) -> list[date]:
    """The partitions that a version changes, ascending; at least one."""
    return [row["partition_key"] for row in connection.execute(query(ROOM, "version_partition_keys"), _place(prepared))]


def complete(
    connection: Connection, prepared: Prepared, snapshot_id: int, committed: Iterable[tuple[date, str, int]]
) -> dict[str, Any] | None:
    """Make a version that is on main official: its state and its partition states, and pins if it is a republish.

    Args:
        committed: partition, path and row count of each file of its partitions, read back from the snapshot.

    Returns:
        The version's row for its announcement, or None if it was complete before.

    Raises:
        InvariantBroken: the snapshot does not have exactly the files that the gate judged.
    """
    recorded = {
        (row["partition_key"], row["file_path"], row["record_count"])
        for row in connection.execute(query(ROOM, "version_files"), _place(prepared))
    }
    found = set(committed)
    if recorded != found:
        raise InvariantBroken(
            f"{prepared.dataset} version {prepared.version}: {len(recorded - found)} judged files are not in snapshot "
            f"{snapshot_id}, {len(found - recorded)} others are",
            remedy="stop publishing this dataset and compare version_file with the snapshot",
        )
    parameters = _place(prepared) | {"snapshot_id": snapshot_id}
    row = connection.execute(query(ROOM, "version_complete"), parameters).fetchone()
    if row is None:
        return None
    if row["republished_from"] is not None:
        connection.execute(query(ROOM, "version_republished_states"), parameters)
        pins.settle(connection, prepared.dataset, pins.PLATFORM, f"republished in run {prepared.run_id}")
        return row
    connection.execute(query(ROOM, "version_partition_states"), parameters)
    connection.execute(query(ROOM, "version_seen_states"), parameters)
    return row


def mark_seen(connection: Connection, claim: Claim, seen: Seen) -> int:
    """Record that published partitions were judged again without a change. Returns their number."""
    parameters = {"dataset": claim.dataset, "run_id": claim.run_id, "seen": Jsonb(_seen_json(seen))}
    return connection.execute(query(ROOM, "partition_mark_seen"), parameters).rowcount


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


PinnedPartition = tuple[str, date, int]
"""Dataset, partition, version."""


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


def short_id(dataset: str, version: int) -> str:
    """The name of a version for people and events, such as `snapshot-000391`."""
    return f"{dataset.rsplit('_', 1)[-1].rsplit('/', 1)[-1]}-{version:06d}"


def _columns(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _place(prepared: Prepared) -> dict[str, Any]:
    return {"dataset": prepared.dataset, "version": prepared.version}


def _prepared(row: dict[str, Any]) -> Prepared:
    return Prepared(
        row["dataset"],
        row["version"],
        row["run_id"],
        row["attempt"],
        row["token"],
        row["staged_branch"],
        row["staged_snapshot_id"],
        row["base_snapshot_id"],
        row["state"],
    )


def _seen_json(seen: Seen) -> dict[str, Any]:
    return {
        "admitted_seq": seen.admitted_seq,
        "totals_seq": seen.totals_seq,
        "transform": seen.transform,
        "contract": seen.contract,
        "inputs": {key.isoformat(): digest for key, digest in seen.inputs.items()},
    }
