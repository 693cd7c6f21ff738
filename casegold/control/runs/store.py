"""Manifests, attempts and claims: how a bounded piece of work is asked for, tried, owned and ended.

Not here: what is due (planner), what a run does (runtime.jobs), dataset versions (versions).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.model import (
    Attempt,
    AttemptEnd,
    Claim,
    ManifestRequest,
    Mode,
    PartitionRange,
    Pipeline,
    RunManifest,
    RunState,
)
from casegold.control.runs import attempt_results, retry
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass
from casegold.domain.sql import query

ROOM = "casegold.control.runs"


HEARTBEAT_SECONDS = 10.0


def run_id_of(request: ManifestRequest) -> str:
    """The identity of a bounded run: the same work has the same id, whoever asks and whenever."""
    identity = {
        "pipeline": request.pipeline,
        "dataset": request.dataset,
        "scope": request.scope,
        "transform_version": request.transform_version,
        "mode": request.mode,
        "parameters": request.parameters,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def manifest_of(row: dict[str, Any]) -> RunManifest:
    """A row of run_manifest as a RunManifest."""
    partitions = None if row["partition_from"] is None else PartitionRange(row["partition_from"], row["partition_to"])
    return RunManifest(
        run_id=row["run_id"],
        pipeline=Pipeline(row["pipeline"]),
        dataset=row["dataset"],
        scope=row["scope"],
        transform_version=row["transform_version"],
        mode=Mode(row["mode"]),
        parameters=row["parameters"],
        partitions=partitions,
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        caused_by=tuple(row["caused_by"]),
        state=RunState(row["state"]),
    )


def manifest(connection: Connection, run_id: str) -> RunManifest:
    """The manifest with this id.

    Raises:
        ConfigurationError: there is none.
    """
    found = find(connection, run_id)
    if found is None:
        raise ConfigurationError(f"there is no run {run_id}", remedy="`casegold runs` lists them")
    return found


def find(connection: Connection, run_id: str) -> RunManifest | None:
    """The manifest with this id, or None where nobody asked for it yet."""
    row = connection.execute(query(ROOM, "manifest_get"), {"run_id": run_id}).fetchone()
    return None if row is None else manifest_of(row)


def open_manifests(connection: Connection) -> list[RunManifest]:
    """Work that is asked for and not ended, oldest first."""
    return [manifest_of(row) for row in connection.execute(query(ROOM, "manifest_open"))]


def request(connection: Connection, wanted: ManifestRequest) -> RunManifest | None:
    """Ask for a piece of work; asking twice is asking once.

    An open manifest of the same dataset with another scope is superseded, unless an attempt at it is running. A
    backfill's stands for a normal one and the other way round: both make the official partitions. What a person asked
    to be official again is superseded by another such wish only.

    Returns:
        The manifest, in whatever state it is, or None while another one of the dataset is running or has precedence.
    """
    take_lock(connection, Lock.RUNS)
    run_id = run_id_of(wanted)
    dataset_mode = {
        "dataset": wanted.dataset,
        "pipeline": wanted.pipeline,
        "mode": wanted.mode,
        "run_id": run_id,
    }
    if connection.execute(query(ROOM, "manifest_other_running"), dataset_mode).fetchone() is not None:
        return None
    connection.execute(query(ROOM, "manifest_supersede"), dataset_mode)
    connection.execute(
        query(ROOM, "manifest_insert"),
        dataset_mode
        | {
            "scope": Jsonb(wanted.scope),
            "transform_version": wanted.transform_version,
            "parameters": Jsonb(wanted.parameters),
            "partition_from": wanted.partitions.first if wanted.partitions else None,
            "partition_to": wanted.partitions.last if wanted.partitions else None,
            "requested_by": wanted.requested_by,
            "caused_by": Jsonb(list(wanted.caused_by)),
        },
    )
    return manifest(connection, run_id)


def next_attempt(connection: Connection, run_id: str, requested_by: str) -> Attempt | None:
    """Write the row of the next attempt, before any launcher is asked: a lost request is then seen as missing.

    Returns:
        The attempt, or None where one is live, the last one asks for patience, or the manifest is not open.
    """
    take_lock(connection, Lock.RUNS)
    row = connection.execute(query(ROOM, "attempt_next"), {"run_id": run_id, "requested_by": requested_by}).fetchone()
    if row is None:
        return None
    return _attempt(manifest(connection, run_id), row["attempt"])


def start_at_once(connection: Connection, run_id: str) -> None:
    """Let the next attempt of a run begin now: a person who asks again does not wait for a pause to end."""
    connection.execute(query(ROOM, "attempt_at_once"), {"run_id": run_id})


def cancel_of_ended_backfills(connection: Connection) -> None:
    """Close the runs of backfills that ended otherwise than by them. A running attempt finds out by itself."""
    connection.execute(query(ROOM, "manifest_cancel_of_backfills"))


def requested_attempts(connection: Connection) -> list[Attempt]:
    """Attempts that a launcher was or is to be asked for and that have not started, oldest first."""
    rows = connection.execute(query(ROOM, "attempt_requested")).fetchall()
    return [_attempt(manifest_of(row), row["attempt"]) for row in rows]


def attempt_at(connection: Connection, run_id: str, requested_by: str) -> Attempt:
    """The attempt of a run that waits for a launcher, else the next one.

    Raises:
        ConfigurationError: there is no such run.
        Deferred: it has ended, one is under way, or the last one asks for patience.
    """
    state = manifest(connection, run_id).state
    waiting = [each for each in requested_attempts(connection) if each.run_id == run_id]
    attempt = waiting[0] if waiting else next_attempt(connection, run_id, requested_by)
    if attempt is None:
        raise Deferred(f"run {run_id[:12]} is {state}, and no attempt of it may begin now")
    return attempt


def fail_launch(connection: Connection, attempt: Attempt, reason: str) -> RunState | None:
    """Record that the launcher never started an attempt.

    Returns:
        The manifest's state: OPEN where another attempt follows. None where the attempt does not wait any more; then
        nothing changes.
    """
    take_lock(connection, Lock.RUNS)
    parameters = {"run_id": attempt.run_id, "attempt": attempt.attempt, "message": reason}
    if connection.execute(query(ROOM, "attempt_launch_failed"), parameters).rowcount == 0:
        return None
    following = retry.after_failed_launch(attempt.run_id, attempt_results.history(connection, attempt.run_id))
    return attempt_results.settle(connection, attempt.run_id, attempt.attempt, None, following, {"error": reason})


def start(control: ControlDb, run_id: str, attempt: int, launcher_ref: str) -> Claim:
    """Begin an attempt: it becomes RUNNING and owns its dataset, or ends as DEFERRED.

    A claim whose owner gave no sign of life for `ends.DEAD_AFTER_SECONDS` is taken over; the owner's attempt is LOST,
    and its token no longer opens any transaction.

    Raises:
        Deferred: the dataset is claimed by a living run, or this attempt is over or superseded.
    """
    with control.write("attempt-start") as connection:
        take_lock(connection, Lock.RUNS)
        row = connection.execute(query(ROOM, "attempt_lock"), {"run_id": run_id, "attempt": attempt}).fetchone()
        if row is None:
            raise ConfigurationError(f"run {run_id} has no attempt {attempt}", remedy="`casegold runs` lists them")
        if row["state"] != "REQUESTED" or row["manifest_state"] != "OPEN":
            raise Deferred(
                f"attempt {attempt} of run {run_id[:12]} is {row['state']} and its manifest {row['manifest_state']}"
            )
        claim = Claim(row["dataset"], run_id, attempt, UUID(str(row["token"])))
        owner = _take_claim(connection, claim)
        if owner is None:
            connection.execute(
                query(ROOM, "attempt_start"), {"run_id": run_id, "attempt": attempt, "launcher_ref": launcher_ref}
            )
            return claim
        message = f"{claim.dataset} is claimed by run {owner[:12]}"
        connection.execute(query(ROOM, "attempt_defer"), {"run_id": run_id, "attempt": attempt, "message": message})
    raise Deferred(message)


def _take_claim(connection: Connection, claim: Claim) -> str | None:
    """Claim the dataset; the run id of the living owner if there is one."""
    parameters = _claim_parameters(claim)
    attempt_results.expire(connection, claim.dataset)
    if connection.execute(query(ROOM, "claim_insert"), parameters).rowcount == 1:
        return None
    owner = connection.execute(query(ROOM, "claim_owner"), parameters).fetchone()
    if owner is None:  # released between the two statements: whoever asks next will get it
        return "another"
    return str(owner["run_id"])


def heartbeat(control: ControlDb, claim: Claim) -> bool:
    """A sign of life. False when the claim is no longer ours: the run must stop."""
    with control.write("heartbeat") as connection:
        return connection.execute(query(ROOM, "claim_heartbeat"), _claim_parameters(claim)).rowcount == 1


def assert_claim(connection: Connection, claim: Claim) -> None:
    """Hold the claim's row to the end of this transaction, so that nobody can take the dataset over before it commits.

    Raises:
        Deferred: the claim was taken over; what this run did so far counts only as far as it was recorded.
    """
    if connection.execute(query(ROOM, "claim_assert"), _claim_parameters(claim)).fetchone() is None:
        raise Deferred(f"run {claim.run_id[:12]} attempt {claim.attempt} no longer owns {claim.dataset}")


def assert_held(connection: Connection, claim: Claim) -> None:
    """See that the claim is ours at this moment; for a step that is fenced by something else.

    Raises:
        Deferred: the claim was taken over.
    """
    if connection.execute(query(ROOM, "claim_held"), _claim_parameters(claim)).fetchone() is None:
        raise Deferred(f"run {claim.run_id[:12]} no longer owns {claim.dataset}")


def end_of(control: ControlDb, run_id: str, attempt: int) -> AttemptEnd:
    """How far an attempt has come."""
    (row,) = control.rows(query(ROOM, "attempt_end"), {"run_id": run_id, "attempt": attempt})
    exit_class = None if row["exit_class"] is None else ExitClass(row["exit_class"])
    return AttemptEnd(row["state"], exit_class, row["message"])


def last_sign(control: ControlDb, run_id: str, attempt: int) -> datetime | None:
    """When an attempt was last heard of: asked for, begun, alive or ended. None for one that is not there."""
    rows = control.rows(query(ROOM, "attempt_last_sign"), {"run_id": run_id, "attempt": attempt})
    return rows[0]["at"] if rows else None


def why_over(control: ControlDb, claim: Claim) -> str:
    """What became of an attempt that no longer owns its dataset, for people."""
    end = end_of(control, claim.run_id, claim.attempt)
    return f"attempt {claim.attempt} of run {claim.run_id[:12]} is {end.state}: {end.message}"


def finish(
    control: ControlDb, claim: Claim, exit_class: ExitClass, message: str, outcome: dict[str, Any]
) -> RunState | None:
    """End an attempt and, where its exit class is final, its manifest; release the dataset.

    Returns:
        The manifest's state, or None where the attempt was cancelled or taken over (then nothing changes).
    """
    with control.write("attempt-finish") as connection:
        take_lock(connection, Lock.RUNS)
        if connection.execute(query(ROOM, "claim_release"), _claim_parameters(claim)).rowcount == 0:
            return None
        parameters = {
            "run_id": claim.run_id,
            "attempt": claim.attempt,
            "state": "SUCCEEDED" if exit_class is ExitClass.SUCCESS else "FAILED",
            "exit_class": int(exit_class),
            "message": message,
        }
        connection.execute(query(ROOM, "attempt_finish"), parameters)
        following = retry.after(exit_class, claim.run_id, attempt_results.history(connection, claim.run_id))
        return attempt_results.settle(connection, claim.run_id, claim.attempt, exit_class, following, outcome)


def defer(control: ControlDb, claim: Claim, message: str) -> bool:
    """End a running attempt that found nothing to do, and release the dataset; its manifest is planned anew.

    Returns:
        False where the attempt was cancelled or taken over; then nothing changes.
    """
    with control.write("attempt-defer") as connection:
        take_lock(connection, Lock.RUNS)
        if connection.execute(query(ROOM, "claim_release"), _claim_parameters(claim)).rowcount == 0:
            return False
        parameters = {"run_id": claim.run_id, "attempt": claim.attempt, "message": message}
        connection.execute(query(ROOM, "attempt_defer"), parameters)
        return True


def reap(connection: Connection) -> int:
    """Mark attempts whose heartbeat stopped as LOST and free what they claimed; the number of them."""
    take_lock(connection, Lock.RUNS)
    return attempt_results.expire(connection, None)


def lose(control: ControlDb, run_id: str, attempt: int, message: str) -> ExitClass | None:
    """Record the death of a running attempt's process at once, where its launcher saw it.

    Returns:
        What it counts as, or None where the attempt was not running; then nothing changes.
    """
    with control.write("attempt-lose") as connection:
        take_lock(connection, Lock.RUNS)
        parameters = {"run_id": run_id, "attempt": attempt, "message": message}
        if connection.execute(query(ROOM, "attempt_lose"), parameters).rowcount == 0:
            return None
        return attempt_results.settle_loss(connection, run_id, attempt)


def _attempt(of: RunManifest, number: int) -> Attempt:
    return Attempt(of.run_id, number, of.dataset, of.pipeline, of.partitions, of.mode, of.backfill_run_id)


def _claim_parameters(claim: Claim) -> dict[str, Any]:
    return {"dataset": claim.dataset, "run_id": claim.run_id, "attempt": claim.attempt, "token": claim.token}
