"""Manifests, attempts and claims: how a bounded piece of work is requested, attempted, claimed and ended.

Not here: what is due (`planning.planner`), what a run does (`jobs`), dataset versions (`versions`).
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
    """The id of a run: a SHA-256 of the work itself, so the same work has the same id at every request."""
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
    """The manifest with this id, or None if nobody has requested it yet."""
    row = connection.execute(query(ROOM, "manifest_get"), {"run_id": run_id}).fetchone()
    return None if row is None else manifest_of(row)


def open_manifests(connection: Connection) -> list[RunManifest]:
    """Manifests that were requested and have not ended, oldest first."""
    return [manifest_of(row) for row in connection.execute(query(ROOM, "manifest_open"))]


def request(connection: Connection, wanted: ManifestRequest) -> RunManifest | None:
    """Request a piece of work; idempotent.

    The request supersedes an open manifest of the same dataset with another scope, unless an attempt of that one is
    running. Normal and backfill manifests supersede each other, since both compute the official partitions. Only
    another republish supersedes a republish.

    Returns:
        The manifest in its current state, or None while another one of the dataset is running or has precedence.
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
    """Insert the next attempt before a launcher is asked to start it, so that a lost launch request is detected.

    Returns:
        The attempt, or None while another one is live or the pause lasts, or if the manifest is not open.
    """
    take_lock(connection, Lock.RUNS)
    row = connection.execute(query(ROOM, "attempt_next"), {"run_id": run_id, "requested_by": requested_by}).fetchone()
    if row is None:
        return None
    return _attempt(manifest(connection, run_id), row["attempt"])


def start_at_once(connection: Connection, run_id: str) -> None:
    """End the pause before a run's next attempt: a person who asks again does not wait for the backoff."""
    connection.execute(query(ROOM, "attempt_at_once"), {"run_id": run_id})


def cancel_of_ended_backfills(connection: Connection) -> None:
    """Close open runs of backfills that were ended, for example by a cancel. A running attempt finds out by itself."""
    connection.execute(query(ROOM, "manifest_cancel_of_backfills"))


def requested_attempts(connection: Connection) -> list[Attempt]:
    """Attempts that were requested and have not started, oldest first."""
    rows = connection.execute(query(ROOM, "attempt_requested")).fetchall()
    return [_attempt(manifest_of(row), row["attempt"]) for row in rows]


def attempt_at(connection: Connection, run_id: str, requested_by: str) -> Attempt:
    """The attempt of a run that waits for a launcher; if none waits, the next one.

    Raises:
        ConfigurationError: there is no such run.
        Deferred: the run has ended, an attempt is running, or the pause after the last one lasts.
    """
    state = manifest(connection, run_id).state
    waiting = [each for each in requested_attempts(connection) if each.run_id == run_id]
    attempt = waiting[0] if waiting else next_attempt(connection, run_id, requested_by)
    if attempt is None:
        raise Deferred(f"run {run_id[:12]} is {state}, and no attempt of it may begin now")
    return attempt


def fail_launch(connection: Connection, attempt: Attempt, reason: str) -> RunState | None:
    """Record that the launcher did not start an attempt.

    Returns:
        The manifest's state: OPEN if another attempt follows. None if the attempt no longer waits; then nothing
        changes.
    """
    take_lock(connection, Lock.RUNS)
    parameters = {"run_id": attempt.run_id, "attempt": attempt.attempt, "message": reason}
    if connection.execute(query(ROOM, "attempt_launch_failed"), parameters).rowcount == 0:
        return None
    following = retry.after_failed_launch(attempt.run_id, attempt_results.history(connection, attempt.run_id))
    return attempt_results.settle(connection, attempt.run_id, attempt.attempt, None, following, {"error": reason})


def start(control: ControlDb, run_id: str, attempt: int, launcher_ref: str) -> Claim:
    """Start an attempt: it becomes RUNNING and claims its dataset, or ends as DEFERRED.

    It takes over a claim without a heartbeat for `attempt_results.DEAD_AFTER_SECONDS`. The former owner's attempt
    becomes LOST, and its token (a fencing token) is no longer valid in any transaction.

    Raises:
        Deferred: a live run has claimed the dataset, or this attempt is over or superseded.
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
    """Claim the dataset. Returns the run id of the live owner, or None if the claim was taken."""
    parameters = _claim_parameters(claim)
    attempt_results.expire(connection, claim.dataset)
    if connection.execute(query(ROOM, "claim_insert"), parameters).rowcount == 1:
        return None
    owner = connection.execute(query(ROOM, "claim_owner"), parameters).fetchone()
    if owner is None:  # released between the two statements: the next try gets it
        return "another"
    return str(owner["run_id"])


def heartbeat(control: ControlDb, claim: Claim) -> bool:
    """Renew the claim. False if this attempt no longer owns it: the run must stop."""
    with control.write("heartbeat") as connection:
        return connection.execute(query(ROOM, "claim_heartbeat"), _claim_parameters(claim)).rowcount == 1


def assert_claim(connection: Connection, claim: Claim) -> None:
    """Lock the claim's row until this transaction ends, so that nobody can take over the dataset before it commits.

    Raises:
        Deferred: the claim was taken over; only what this run has recorded so far counts.
    """
    if connection.execute(query(ROOM, "claim_assert"), _claim_parameters(claim)).fetchone() is None:
        raise Deferred(f"run {claim.run_id[:12]} attempt {claim.attempt} no longer owns {claim.dataset}")


def assert_held(connection: Connection, claim: Claim) -> None:
    """Check once that this attempt owns the claim, without a lock; for steps that something else fences.

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
    """The last time of an attempt: its request, start, heartbeat or end. None if there is no such attempt."""
    rows = control.rows(query(ROOM, "attempt_last_sign"), {"run_id": run_id, "attempt": attempt})
    return rows[0]["at"] if rows else None


def why_over(control: ControlDb, claim: Claim) -> str:
    """A message for people: what became of an attempt that no longer owns its dataset."""
    end = end_of(control, claim.run_id, claim.attempt)
    return f"attempt {claim.attempt} of run {claim.run_id[:12]} is {end.state}: {end.message}"


def finish(
    control: ControlDb, claim: Claim, exit_class: ExitClass, message: str, outcome: dict[str, Any]
) -> RunState | None:
    """End an attempt and, if its exit class is final, its manifest; release the claim.

    Returns:
        The manifest's state, or None if the attempt was cancelled or taken over; then nothing changes.
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
    """End a running attempt that found nothing to do, and release the claim. Its manifest stays open.

    Returns:
        False if the attempt was cancelled or taken over; then nothing changes.
    """
    with control.write("attempt-defer") as connection:
        take_lock(connection, Lock.RUNS)
        if connection.execute(query(ROOM, "claim_release"), _claim_parameters(claim)).rowcount == 0:
            return False
        parameters = {"run_id": claim.run_id, "attempt": claim.attempt, "message": message}
        connection.execute(query(ROOM, "attempt_defer"), parameters)
        return True


def reap(connection: Connection) -> int:
    """Mark attempts whose heartbeat stopped as LOST and release their claims. Returns their number."""
    take_lock(connection, Lock.RUNS)
    return attempt_results.expire(connection, None)


def lose(control: ControlDb, run_id: str, attempt: int, message: str) -> ExitClass | None:
    """Record that a running attempt's process died, for a launcher that saw it.

    Returns:
        The exit class that the loss counts as, or None if the attempt was not running; then nothing changes.
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
