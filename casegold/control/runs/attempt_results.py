"""What is written when an attempt ends, whoever finds the end: the pause after it, and the end of its manifest.

Not here: the rules (`retry`), and who finds what (`store`). Each function belongs into a transaction with `Lock.RUNS`.
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
"""A claim without a heartbeat for this long is taken over: six missed beats, so that a pause is not yet a death."""


def history(connection: Connection, run_id: str) -> retry.History:
    """How a manifest's attempts ended since a person last retried it."""
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
    """Write down what follows the end of an attempt; the manifest's state.

    Args:
        exit_class: of the attempt; None for one that never began.
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
    """Close a manifest; it asks for no further attempt."""
    connection.execute(query(ROOM, "manifest_end"), {"run_id": run_id, "state": state, "outcome": Jsonb(outcome)})


def expire(connection: Connection, dataset: str | None) -> int:
    """End the attempts behind dead claims of a dataset, or of all: what nobody recorded is found here only."""
    parameters = {"dataset": dataset, "dead_after": DEAD_AFTER_SECONDS}
    lost = connection.execute(query(ROOM, "claim_expire"), parameters).fetchall()
    for row in lost:
        settle_loss(connection, row["run_id"], row["attempt"])
    return len(lost)


def settle_loss(connection: Connection, run_id: str, attempt: int) -> ExitClass:
    """What follows a death that nobody recorded, and what it counts as."""
    so_far = history(connection, run_id)
    exit_class = retry.class_of_loss(so_far)
    following = retry.after(exit_class, run_id, so_far)
    error = f"the process died, {so_far.lost_in_a_row} times in a row; {so_far.failed} attempts failed"
    settle(connection, run_id, attempt, exit_class, following, {"error": error})
    return exit_class
