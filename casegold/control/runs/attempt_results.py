"""Recording the end of an attempt: the pause before the next one, or the end of the manifest.

Call each function in a transaction that holds `Lock.RUNS`. Not here: the rules (`retry`), finding an end (`attempts`).
"""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.control.model import RunState
from casegold.control.runs import retry
from casegold.domain.errors import ExitClass, InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control.runs"


DEAD_AFTER_SECONDS = 60.0
"""After this long without a heartbeat a claim is taken over: six missed ones, so that a short pause is no death."""


def history(connection: Connection, run_id: str) -> retry.History:
    """How the attempts of a manifest ended since a person last retried it."""
    row = connection.execute(query(ROOM, "attempt_history"), {"run_id": run_id}).fetchone()
    if row is None:
        raise InvariantBroken(f"counting the attempts of run {run_id[:12]} gave no row")
    return retry.History(**row)


def settle(
    connection: Connection,
    run_id: str,
    attempt: int,
    exit_class: ExitClass | None,
    following: retry.Next,
    outcome: dict[str, Any],
) -> RunState:
    """Record what follows the end of an attempt. Returns the manifest's state.

    Args:
        exit_class: of the attempt; None if it never began.
    """
    parameters = {
        "run_id": run_id,
        "attempt": attempt,
        "exit_class": None if exit_class is None else int(exit_class),
        "pause": following.pause_seconds,
    }
    connection.execute(query(ROOM, "attempt_settle"), parameters)
    if following.state is not RunState.OPEN:
        end_manifest(connection, run_id, following.state, outcome)
    return following.state


def end_manifest(connection: Connection, run_id: str, state: RunState, outcome: dict[str, Any]) -> None:
    """Close a manifest: it gets no further attempt."""
    connection.execute(query(ROOM, "manifest_end"), {"run_id": run_id, "state": state, "outcome": Jsonb(outcome)})


def expire(connection: Connection, dataset: str | None) -> int:
    """End the attempts whose claims have no heartbeat any more, of a dataset or (None) of all; their number.

    This alone detects deaths that nobody recorded.
    """
    parameters = {"dataset": dataset, "dead_after": DEAD_AFTER_SECONDS}
    lost = connection.execute(query(ROOM, "claim_expire"), parameters).fetchall()
    for row in lost:
        settle_loss(connection, row["run_id"], row["attempt"])
    return len(lost)


def settle_loss(connection: Connection, run_id: str, attempt: int) -> ExitClass:
    """Record what follows a lost attempt. Returns the exit class that the loss counts as."""
    so_far = history(connection, run_id)
    exit_class = retry.class_of_loss(so_far)
    following = retry.after(exit_class, run_id, so_far)
    error = f"the process died, {so_far.lost_in_a_row} times in a row; {so_far.failed} attempts failed"
    settle(connection, run_id, attempt, exit_class, following, {"error": error})
    return exit_class
