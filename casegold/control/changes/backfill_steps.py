"""The next step of each backfill under way, decided from stored state at every tick.

The steps: admission of its held facts, then the restatement, then its end. Not here: the beginning
(`backfill_execution`), what a restatement computes (`planning.planner`), shadows (`shadows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casegold.control.db import Connection
from casegold.control.model import BACKFILL_RUN_ID, ManifestRequest, Mode, PartitionRange, Pipeline, RunState
from casegold.control.runs import manifests
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

ADMISSION_VERSION = "admission-1"
REPLAY_VERSION = "replay-1"
SILVER = "silver/case_events"
REPLAYS = "replay/events"
"""The claim of all replays: one runs at a time, so that their rates do not add up."""
DONE = {
    Mode.BACKFILL: "computed the range",
    Mode.REPLAY: "sent the events",
    Mode.SHADOW: "computed the range beside the official one and compared them",
}
GIVEN_UP = frozenset({RunState.FAILED, RunState.CANCELLED})


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A backfill that is EXECUTING or PAUSED. The states of its runs are None until the run is requested."""

    backfill_run_id: str
    dataset: str
    mode: Mode
    plan: Mapping[str, Any]
    partitions: PartitionRange
    reason: str
    plan_digest: str
    state: str
    facts: int
    admission: RunState | None
    run_id: str | None
    restatement: RunState | None
    error: str | None

    def restates(self) -> bool:
        """Whether its restatement is due: its facts are admitted, and no run has succeeded or given up."""
        return (
            self.state == "EXECUTING"
            and self.mode is Mode.BACKFILL
            and (self.facts == 0 or self.admission is RunState.SUCCEEDED)
            and self.restatement not in {RunState.SUCCEEDED, *GIVEN_UP}
        )


def under_way(connection: Connection) -> list[UnderWay]:
    """Every backfill under way, oldest first; at most one for each dataset and mode."""
    return [_under_way(row) for row in connection.execute(query(ROOM, "backfill_executing"))]


def restating(connection: Connection) -> Mapping[str, UnderWay]:
    """The backfill whose range is to be computed now, by dataset."""
    return {each.dataset: each for each in under_way(connection) if each.restates()}


def advance(connection: Connection, asked_by: str) -> None:
    """Request admissions and replays, end finished backfills, close runs of stopped ones. Called by the planner."""
    manifests.cancel_of_ended_backfills(connection)
    for each in under_way(connection):
        if each.state != "EXECUTING":
            continue
        ended = _end_of(each)
        if ended is not None:
            succeeded, why = ended
            parameters = {"id": each.backfill_run_id, "succeeded": succeeded, "reason": why}
            connection.execute(query(ROOM, "call_backfill_end"), parameters)
        elif each.mode is Mode.REPLAY and each.restatement is None:
            manifests.request(connection, _replay(each, asked_by))
        elif each.facts and each.admission is None:
            manifests.request(connection, _admission(each, asked_by))


def _end_of(each: UnderWay) -> tuple[bool, str] | None:
    """Whether the backfill succeeded, and why it is over; None while it is under way."""
    if each.admission in GIVEN_UP:
        return False, f"the admission of its facts {each.admission}: `casegold runs list --dataset {SILVER}` shows why"
    if each.restatement in GIVEN_UP:
        return False, f"run {str(each.run_id)[:12]} {each.restatement}: {each.error or 'no reason given'}"
    if each.restatement is RunState.SUCCEEDED:
        return True, f"run {str(each.run_id)[:12]} has {DONE[each.mode]}"
    return None


def _admission(each: UnderWay, asked_by: str) -> ManifestRequest:
    return ManifestRequest(
        pipeline=Pipeline.ADMISSION,
        dataset=SILVER,
        scope={"plan": each.plan_digest},
        transform_version=ADMISSION_VERSION,
        requested_by=asked_by,
        mode=Mode.BACKFILL,
        parameters={BACKFILL_RUN_ID: each.backfill_run_id},
        caused_by=(cause_of(each),),
    )


def _replay(each: UnderWay, asked_by: str) -> ManifestRequest:
    return ManifestRequest(
        pipeline=Pipeline.REPLAY,
        dataset=REPLAYS,
        scope={**each.plan, "plan": each.plan_digest},
        transform_version=REPLAY_VERSION,
        requested_by=asked_by,
        mode=Mode.REPLAY,
        parameters={BACKFILL_RUN_ID: each.backfill_run_id},
        caused_by=(cause_of(each),),
    )


def cause_of(each: UnderWay) -> str:
    """The cause that is recorded with its runs and versions."""
    return f"backfill {each.backfill_run_id}: {each.reason}"


def _under_way(row: Mapping[str, Any]) -> UnderWay:
    return UnderWay(
        backfill_run_id=row["backfill_run_id"],
        dataset=row["dataset"],
        mode=Mode(row["mode"]),
        plan=row["plan"],
        partitions=PartitionRange(row["first"], row["last"]),
        reason=row["reason"],
        plan_digest=row["plan_digest"],
        state=row["state"],
        facts=row["facts"],
        admission=None if row["admission"] is None else RunState(row["admission"]),
        run_id=row["run_id"],
        restatement=None if row["restatement"] is None else RunState(row["restatement"]),
        error=row["error"],
    )
