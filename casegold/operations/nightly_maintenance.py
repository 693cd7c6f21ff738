"""Requests maintenance of a claim and runs it at once, for the command line and the nightly job.

Not here: what is done to a table (`jobs.maintenance`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from casegold.control.db import Connection
from casegold.control.integrity import maintenance_requests
from casegold.control.model import Attempt
from casegold.control.runs import attempts
from casegold.control.runs.claimed_tables import tables_of
from casegold.control.versions import commit
from casegold.domain.errors import Deferred
from casegold.jobs import batch_job
from casegold.jobs.maintenance import Maintained, maintained_of
from casegold.runtime.platform import Platform


def maintain(platform: Platform, claim: str, asked_by: str, launcher_ref: str) -> dict[str, Maintained]:
    """Maintain all tables of a claim now. Return what was done to each table.

    Raises:
        Deferred: other work on the dataset is open, or maintenance ran today and nothing has changed since.
        CasegoldError: its class is recorded for the attempt.
    """
    attempt = _ask(platform, claim, asked_by)
    outcome = batch_job.execute(platform, attempt.run_id, attempt.attempt, launcher_ref)
    return {table: maintained_of(outcome, table) for table in tables_of(claim)}


def _ask(platform: Platform, claim: str, asked_by: str) -> Attempt:
    heads = {table: platform.lake.table(table).metadata.current_snapshot_id or 0 for table in tables_of(claim)}
    today = datetime.now(UTC).date()
    with platform.control.write("maintenance-ask") as connection:
        undecided = commit.undecided_number(connection, claim)
        if undecided is not None:  # this is new work even if the heads were maintained today
            heads["undecided version"] = undecided
        manifest = maintenance_requests.request(connection, claim, heads, today, asked_by)
        attempt = None if manifest is None else _attempt(connection, manifest.run_id, asked_by)
    if manifest is None:
        raise Deferred("skipped: a run of it is open")
    if attempt is None:
        raise Deferred(f"already maintained today in this state: {manifest.state}")
    return attempt


def _attempt(connection: Connection, run_id: str, asked_by: str) -> Attempt | None:
    """The next attempt, or one that was requested and never started because its requester died."""
    asked = (each for each in attempts.requested_attempts(connection) if each.run_id == run_id)
    return attempts.next_attempt(connection, run_id, asked_by) or next(asked, None)
