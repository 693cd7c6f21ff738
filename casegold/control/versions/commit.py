"""A dataset version in the control database: prepared before the commit in the lake, completed or abandoned after it.

Not here: the lake, and the order of writes in database and lake (`sink.publish`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.errors import RestrictViolation
from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.control.model import Claim
from casegold.control.versions import pins
from casegold.control.versions.model import (
    NewVersion,
    Prepared,
    Seen,
)
from casegold.domain.errors import ConfigurationError, InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


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


def record_file_bytes(connection: Connection, dataset: str, path: str, size: int) -> None:
    """Record the new size of a rewritten file with the same rows, in every version that has the file."""
    connection.execute(query(ROOM, "version_file_bytes"), {"dataset": dataset, "path": path, "bytes_after": size})


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
