"""Attempts: how a run is tried: requested, started, ended, and lost when its process dies.

Not here: what follows the end of an attempt (`retry`, `attempt_results`), what a run does (`jobs`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.model import (
    Attempt,
    AttemptEnd,
    Claim,
    RunManifest,
    RunState,
)
from casegold.control.runs import attempt_results, claims, manifests, retry
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass
from casegold.domain.sql import query

ROOM = "casegold.control.runs"


def next_attempt(connection: Connection, run_id: str, requested_by: str) -> Attempt | None:
    """Insert the next attempt before a launcher is asked to start it, so that a lost launch request is detected.

    Returns:
        The attempt, or None while another one is live or the pause lasts, or if the manifest is not open.
    """
    take_lock(connection, Lock.RUNS)
    row = connection.execute(query(ROOM, "attempt_next"), {"run_id": run_id, "requested_by": requested_by}).fetchone()
    if row is None:
        return None
    return _attempt(manifests.manifest(connection, run_id), row["attempt"])


def start_at_once(connection: Connection, run_id: str) -> None:
    """End the pause before a run's next attempt: a person who asks again does not wait for the backoff."""
    connection.execute(query(ROOM, "attempt_at_once"), {"run_id": run_id})


def requested_attempts(connection: Connection) -> list[Attempt]:
    """Attempts that were requested and have not started, oldest first."""
    rows = connection.execute(query(ROOM, "attempt_requested")).fetchall()
    return [_attempt(manifests.manifest_of(row), row["attempt"]) for row in rows]


def attempt_at(connection: Connection, run_id: str, requested_by: str) -> Attempt:
    """The attempt of a run that waits for a launcher; if none waits, the next one.

    Raises:
        ConfigurationError: there is no such run.
        Deferred: the run has ended, an attempt is running, or the pause after the last one lasts.
    """
    state = manifests.manifest(connection, run_id).state
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
        owner = claims.take(connection, claim)
        if owner is None:
            connection.execute(
                query(ROOM, "attempt_start"), {"run_id": run_id, "attempt": attempt, "launcher_ref": launcher_ref}
            )
            return claim
        message = f"{claim.dataset} is claimed by run {owner[:12]}"
        connection.execute(query(ROOM, "attempt_defer"), {"run_id": run_id, "attempt": attempt, "message": message})
    raise Deferred(message)


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
        if not claims.release(connection, claim):
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
        if not claims.release(connection, claim):
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
