"""Repairs in the control database: the files that a dataset has to have, and what was done about them.

Not here: the files themselves (`sink.repair`), and computing them again (`jobs.repair`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.control.model import Claim
from casegold.control.runs import store
from casegold.control.versions import versions
from casegold.control.versions.versions import VersionFile, file_of
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"


class Action(StrEnum):
    """What is done about a file."""

    REMOVED = "REMOVED"
    """It was on main and is of no official version. Its bytes stay until maintenance finds that nobody names them."""
    RESTORED = "RESTORED"
    """It is of an official version and was not on main, or otherwise than recorded."""
    RECOMPUTED = "RECOMPUTED"
    """It is of a version and was not in the storage."""


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a repair. `wrong_since` with its snapshot: from when on main had it so; None where nobody knows."""

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
    """A file that a version has, and the run that made its rows."""

    file: VersionFile
    run_id: str


def official(control: ControlDb, dataset: str) -> list[VersionFile]:
    """The files that main has to have: those of the current version of every partition."""
    return [file_of(row) for row in control.rows(query(ROOM, "repair_official_files"), {"dataset": dataset})]


def recorded(control: ControlDb, dataset: str) -> list[RecordedFile]:
    """The files of every completed version, in an order in which they can be computed again."""
    rows = control.rows(query(ROOM, "repair_recorded_files"), {"dataset": dataset})
    return [RecordedFile(file_of(row), row["run_id"]) for row in rows]


def plan(connection: Connection, claim: Claim, steps: Iterable[Step]) -> None:
    """Record what is about to be done. A file whose bytes become others is so in every version that has it.

    Raises:
        Deferred: the claim was taken over.
    """
    store.assert_claim(connection, claim)
    for step in steps:
        parameters = asdict(step) | {"run_id": claim.run_id, "dataset": claim.dataset}
        connection.execute(query(ROOM, "repair_plan"), parameters)
        if step.bytes_after is not None and step.bytes_after != step.bytes_before:
            versions.record_file_bytes(connection, claim.dataset, step.path, step.bytes_after)


def done(connection: Connection, claim: Claim, snapshot_id: int) -> None:
    """Record that main has it right since a snapshot.

    Raises:
        Deferred: the claim was taken over.
    """
    store.assert_claim(connection, claim)
    connection.execute(query(ROOM, "repair_done"), {"run_id": claim.run_id, "snapshot_id": snapshot_id})


def of_run(control: ControlDb, run_id: str) -> list[dict[str, Any]]:
    """What a run did about each file, by partition."""
    return control.rows(query(ROOM, "repair_of_run"), {"run_id": run_id})
