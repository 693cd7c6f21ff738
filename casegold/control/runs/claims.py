"""Claims: which attempt may write a dataset. A claim is a lease with a heartbeat and a fencing token.

Not here: which tables belong to a claim (`claimed_tables`), the end of an attempt that lost its claim (`attempts`).
"""

from __future__ import annotations

from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.control.model import (
    Claim,
)
from casegold.control.runs import attempt_results
from casegold.domain.errors import Deferred
from casegold.domain.sql import query

ROOM = "casegold.control.runs"

HEARTBEAT_SECONDS = 10.0


def take(connection: Connection, claim: Claim) -> str | None:
    """Claim the dataset. Returns the run id of the live owner, or None if the claim was taken."""
    parameters = _parameters(claim)
    attempt_results.expire(connection, claim.dataset)
    if connection.execute(query(ROOM, "claim_insert"), parameters).rowcount == 1:
        return None
    owner = connection.execute(query(ROOM, "claim_owner"), parameters).fetchone()
    if owner is None:  # released between the two statements: the next try gets it
        return "another"
    return str(owner["run_id"])


def release(connection: Connection, claim: Claim) -> bool:
    """Give the claim up. False if this attempt no longer owns it."""
    return connection.execute(query(ROOM, "claim_release"), _parameters(claim)).rowcount == 1


def heartbeat(control: ControlDb, claim: Claim) -> bool:
    """Renew the claim. False if this attempt no longer owns it: the run must stop."""
    with control.write("heartbeat") as connection:
        return connection.execute(query(ROOM, "claim_heartbeat"), _parameters(claim)).rowcount == 1


def assert_claim(connection: Connection, claim: Claim) -> None:
    """Lock the claim's row until this transaction ends, so that nobody can take over the dataset before it commits.

    Raises:
        Deferred: the claim was taken over; only what this run has recorded so far counts.
    """
    if connection.execute(query(ROOM, "claim_assert"), _parameters(claim)).fetchone() is None:
        raise Deferred(f"run {claim.run_id[:12]} attempt {claim.attempt} no longer owns {claim.dataset}")


def assert_held(connection: Connection, claim: Claim) -> None:
    """Check once that this attempt owns the claim, without a lock; for steps that something else fences.

    Raises:
        Deferred: the claim was taken over.
    """
    if connection.execute(query(ROOM, "claim_held"), _parameters(claim)).fetchone() is None:
        raise Deferred(f"run {claim.run_id[:12]} no longer owns {claim.dataset}")


def _parameters(claim: Claim) -> dict[str, Any]:
    return {"dataset": claim.dataset, "run_id": claim.run_id, "attempt": claim.attempt, "token": claim.token}
