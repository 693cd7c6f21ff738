"""Runs as lists for people. A `limit` of None means all.

Not here: anything that a run depends on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casegold.control.db import ControlDb
from casegold.domain.sql import query

ROOM = "casegold.control.runs"
Row = dict[str, Any]


def runs(
    control: ControlDb,
    dataset: str | None,
    limit: int | None,
    *,
    state: str | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """Manifests with their last attempt, newest first; only those requested at `since` or later."""
    parameters = {"dataset": dataset, "state": state, "since": since, "limit": limit}
    return control.rows(query(ROOM, "list_runs"), parameters)


def failed_checks(control: ControlDb, run_id: str) -> list[Row]:
    """Required checks that failed or had no result when the gate last judged a run."""
    return control.rows(query(ROOM, "list_failed_checks"), {"run_id": run_id})
