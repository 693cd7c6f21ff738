"""Requests for rebuilds and repairs, and what the ledger records of the ingests. Not here: the work (`jobs`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.control.ingest.commits import CommitCounts
from casegold.control.model import Attempt, ManifestRequest, Pipeline
from casegold.control.runs import attempts, manifests
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows an ingest wrote: `records` to bronze, `accepted` to silver, `refused` to the refused records.

    The rest are duplicates.
    """

    seq: int
    records: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Ingest:
    """Everything that the ledger records of one ingest."""

    seq: int
    committed_at: datetime
    counts: CommitCounts
    facts: dict[date, int]
    """New facts, by the first date whose figures they change."""


def counts(control: ControlDb) -> list[Counts]:
    """Every ingest of case events in the ledger, ascending."""
    return [Counts(**row) for row in control.rows(query(ROOM, "rebuild_counts"))]


def ingests(control: ControlDb, first: int, last: int) -> list[Ingest]:
    """The ingests numbered `first` to `last`, ascending."""
    rows = control.rows(query(ROOM, "rebuild_ingests"), {"first": first, "last": last})
    return [
        Ingest(
            row["seq"],
            row["committed_at"],
            CommitCounts(
                row["records"], row["accepted"], row["duplicates"], row["conflicts"], row["rejected_by_reason"]
            ),
            {date.fromisoformat(day): facts for day, facts in row["facts"].items()},
        )
        for row in rows
    ]


def ask(connection: Connection, pipeline: Pipeline, dataset: str, reason: str) -> Attempt | None:
    """Request a rebuild or repair of a dataset as the logged-in user; a run that died goes on.

    Returns:
        The attempt to execute. None while other work on the dataset is open, which the request would supersede, or
        while an attempt is under way.
    """
    attempts.reap(connection)
    waiting = [each for each in manifests.open_manifests(connection) if each.dataset == dataset]
    ours = next((each for each in waiting if each.pipeline is pipeline), None)
    if ours is None:
        if any(each.pipeline is not Pipeline.MAINTENANCE for each in waiting):
            return None
        ours = manifests.request(connection, _wanted(connection, pipeline, dataset, reason))
        if ours is None:
            return None
    attempts.start_at_once(connection, ours.run_id)
    asked = (each for each in attempts.requested_attempts(connection) if each.run_id == ours.run_id)
    return attempts.next_attempt(connection, ours.run_id, connection.info.user) or next(asked, None)


def is_open(connection: Connection, pipeline: Pipeline, dataset: str) -> bool:
    """Whether a rebuild or repair of a dataset was requested and has not ended."""
    return any(each.dataset == dataset and each.pipeline is pipeline for each in manifests.open_manifests(connection))


def _wanted(connection: Connection, pipeline: Pipeline, dataset: str, reason: str) -> ManifestRequest:
    person = connection.info.user
    row: dict[str, Any] | None = connection.execute("select clock_timestamp() as now").fetchone()
    now = "" if row is None else row["now"].isoformat()
    return ManifestRequest(
        pipeline=pipeline,
        dataset=dataset,
        # Damage has no version: each request is a run of its own.
        scope={"asked_at": now},
        transform_version="1",
        requested_by=person,
        parameters={"reason": reason},
        caused_by=(f"{pipeline} of {dataset} by {person}: {reason}",),
    )
