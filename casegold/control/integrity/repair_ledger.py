"""Repairs in the control database: the files that a dataset must have, and what a repair did about each.

Not here: the files themselves (`sink.repair`), recomputing them (`jobs.repair`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.control.model import Claim
from casegold.control.runs import claims
from casegold.control.versions import commit
from casegold.control.versions.model import VersionFile, file_of
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"


class Action(StrEnum):
    """What a repair does about a file."""

    REMOVED = "REMOVED"
    """It was on main but belongs to no official version. Maintenance deletes it once no version refers to it."""
    RESTORED = "RESTORED"
    """It belongs to an official version, but was not on main or not as recorded."""
    RECOMPUTED = "RECOMPUTED"
    """It belongs to a version, but was missing from the storage."""


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a repair. Main was wrong from `wrong_snapshot` on, committed at `wrong_since`; None if unknown."""

    partition: date
    path: str
    action: Action
    rows: int
    bytes_before: int
    bytes_after: int | None = None
    wrong_snapshot: int | None = None
    wrong_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file of a version, and the run that computed its rows."""

    file: VersionFile
    run_id: str


def official(control: ControlDb, dataset: str) -> list[VersionFile]:
    """The files that main must have: those of the current version of every partition."""
    return [file_of(row) for row in control.rows(query(ROOM, "repair_official_files"), {"dataset": dataset})]


def recorded(control: ControlDb, dataset: str) -> list[RecordedFile]:
    """The files of every completed version, ordered so that each file comes after those it is computed from."""
    rows = control.rows(query(ROOM, "repair_recorded_files"), {"dataset": dataset})
    return [RecordedFile(file_of(row), row["run_id"]) for row in rows]


def plan(connection: Connection, claim: Claim, steps: Iterable[Step]) -> None:
    """Record the steps of a repair before it takes them. A new file size applies to every version that has the file.

    Raises:
        Deferred: the claim was taken over.
    """
    claims.assert_claim(connection, claim)
    for step in steps:
        parameters = asdict(step) | {"run_id": claim.run_id, "dataset": claim.dataset}
        connection.execute(query(ROOM, "repair_plan"), parameters)
        if step.bytes_after is not None and step.bytes_after != step.bytes_before:
            commit.record_file_bytes(connection, claim.dataset, step.path, step.bytes_after)


def done(connection: Connection, claim: Claim, snapshot_id: int) -> None:
    """Record the snapshot in which the repair reached main.

    Raises:
        Deferred: the claim was taken over.
    """
    claims.assert_claim(connection, claim)
    connection.execute(query(ROOM, "repair_done"), {"run_id": claim.run_id, "snapshot_id": snapshot_id})


def of_run(control: ControlDb, run_id: str) -> list[dict[str, Any]]:
    """What a run did about each file, ordered by partition."""
    return control.rows(query(ROOM, "repair_of_run"), {"run_id": run_id})
