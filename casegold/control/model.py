"""Rows of the control schema as types. Not here: any statement that reads or writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from threading import Event
from typing import Any
from uuid import UUID

from casegold.domain.errors import Deferred, ExitClass


class Mode(StrEnum):
    """Why a run computes; marked on everything it writes and emits, never in gold rows."""

    NORMAL = "NORMAL"
    BACKFILL = "BACKFILL"
    REPLAY = "REPLAY"
    SHADOW = "SHADOW"


class Pipeline(StrEnum):
    """What a bounded run does."""

    INGEST = "ingest"
    TOTALS = "totals"
    ADMISSION = "admission"
    SNAPSHOT = "snapshot"
    REPORT = "report"
    MAINTENANCE = "maintenance"
    REPUBLISH = "republish"
    REPLAY = "replay"
    SHADOW = "shadow"
    REBUILD = "rebuild"
    REPAIR = "repair"


class RunState(StrEnum):
    OPEN = "OPEN"
    SUCCEEDED = "SUCCEEDED"
    HELD = "HELD"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"


BACKFILL_RUN_ID = "backfill_run_id"
"""Name of a manifest's parameter: the backfill that it executes a part of."""


@dataclass(frozen=True, slots=True)
class PartitionRange:
    """Partitions of one dataset from `first` to `last`, both included; the key of a month is its first day."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class ManifestRequest:
    """A bounded piece of work, described completely before it starts.

    `scope` holds everything the outcome can depend on (Kafka ranges, sequences, input versions, contract version,
    waivers) as JSON values; together with pipeline, transform version, mode and parameters it determines the run id.
    """

    pipeline: Pipeline
    dataset: str
    scope: dict[str, Any]
    transform_version: str
    requested_by: str
    mode: Mode = Mode.NORMAL
    parameters: dict[str, Any] = field(default_factory=dict)
    partitions: PartitionRange | None = None
    caused_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunManifest:
    """A row of run_manifest."""

    run_id: str
    pipeline: Pipeline
    dataset: str
    scope: dict[str, Any]
    transform_version: str
    mode: Mode
    parameters: dict[str, Any]
    partitions: PartitionRange | None
    requested_by: str
    requested_at: datetime
    caused_by: tuple[str, ...]
    state: RunState

    @property
    def backfill_run_id(self) -> str | None:
        """The backfill that this run executes a part of."""
        return self.parameters.get(BACKFILL_RUN_ID)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a manifest, as asked of a launcher. `run_key` is what Dagster deduplicates on."""

    run_id: str
    attempt: int
    dataset: str
    pipeline: Pipeline
    partitions: PartitionRange | None
    mode: Mode
    backfill_run_id: str | None = None

    @property
    def run_key(self) -> str:
        return f"{self.run_id}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Proof that one attempt, and no other, may write its dataset."""

    dataset: str
    run_id: str
    attempt: int
    token: UUID
    over: Event = field(default_factory=Event, compare=False, repr=False)
    """Set once it is known to prove nothing any more: cancelled, or taken over."""

    def check(self) -> None:
        """Stop here if the claim is over; costs nothing, for loops that compute long between two transactions.

        Raises:
            Deferred: it is.
        """
        if self.over.is_set():
            raise Deferred(f"run {self.run_id[:12]} attempt {self.attempt} no longer owns {self.dataset}")


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How far an attempt has come: the state, and once it ended its exit class and what is to be said of it."""

    state: str
    exit_class: ExitClass | None
    message: str
