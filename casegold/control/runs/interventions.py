"""Decisions of people about a run: retry an ended one, cancel an open one. Each decision is recorded for good.

Not here: automatic retries (`retry`, `attempts`).
"""

from __future__ import annotations

from casegold.control.db import Connection, Lock, take_lock
from casegold.control.model import RunManifest
from casegold.control.runs.manifests import manifest
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.runs"


def retry(connection: Connection, run_id: str, person: str, reason: str) -> RunManifest:
    """Reopen an ended manifest. Its history stays; failures are counted from zero again.

    Raises:
        ConfigurationError: the manifest is open or succeeded.
    """
    take_lock(connection, Lock.RUNS)
    if connection.execute(query(ROOM, "manifest_reopen"), _parameters(run_id, "RETRY", person, reason)).rowcount == 0:
        found = manifest(connection, run_id)
        raise ConfigurationError(f"run {run_id[:12]} is {found.state}: there is nothing to retry")
    connection.execute(query(ROOM, "run_decision_insert"), _parameters(run_id, "RETRY", person, reason))
    return manifest(connection, run_id)


def cancel(connection: Connection, run_id: str, person: str, reason: str) -> RunManifest:
    """End an open manifest and its attempt; final until a person retries it.

    This transaction revokes the claim of a running attempt: it can commit nothing from then on, and stops when it
    notices. A commit that it sent to the lake before stays; the next run of the dataset records it.

    Raises:
        ConfigurationError: the manifest has ended.
    """
    take_lock(connection, Lock.RUNS)
    found = manifest(connection, run_id)
    if not _cancel(connection, run_id, person, reason):
        raise ConfigurationError(f"run {run_id[:12]} is {found.state}: there is nothing to cancel")
    return manifest(connection, run_id)


def cancel_attempt(connection: Connection, run_id: str, attempt: int, person: str, reason: str) -> bool:
    """Cancel a manifest because a person ended one of its attempts elsewhere, for example in Dagster.

    Returns:
        False if the manifest has ended, or was retried after that attempt; then nothing changes.
    """
    take_lock(connection, Lock.RUNS)
    parameters = {"run_id": run_id, "attempt": attempt}
    if connection.execute(query(ROOM, "run_retried_after"), parameters).fetchone() is not None:
        return False
    return _cancel(connection, run_id, person, reason)


def _cancel(connection: Connection, run_id: str, person: str, reason: str) -> bool:
    parameters = _parameters(run_id, "CANCEL", person, reason)
    if connection.execute(query(ROOM, "manifest_cancel"), parameters).rowcount == 0:
        return False
    connection.execute(query(ROOM, "run_decision_insert"), parameters)
    # Lock the claim before the attempt, in the same order as a heartbeat, to avoid a deadlock.
    connection.execute(query(ROOM, "claim_revoke"), parameters)
    connection.execute(query(ROOM, "attempt_cancel"), parameters)
    return True


def _parameters(run_id: str, decision: str, person: str, reason: str) -> dict[str, str]:
    return {"run_id": run_id, "decision": decision, "person": person, "reason": reason}
