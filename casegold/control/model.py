"""Rows of the control schema as types. Not here: queries that read or write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from threading import Event
from typing import Any
from uuid import UUID

from casegold.domain.errors import Deferred, ExitClass


class Mode(StrEnum):
    """Why a run computes. It marks everything that the run writes and emits, except gold rows."""

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
"""The manifest parameter with the id of the backfill that the run belongs to."""


@dataclass(frozen=True, slots=True)
class PartitionRange:
    """Partitions of one dataset from `first` to `last`, both inclusive. A month's or quarter's key is its first day."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class ManifestRequest:
    """A bounded piece of work, described completely before it starts.

    `scope` has everything that the outcome can depend on (Kafka ranges, sequences, input versions, contract version,
    waivers) as JSON values. With pipeline, dataset, transform version, mode and parameters it determines the run id.
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
        """The id of the backfill that this run belongs to, if any."""
        return self.parameters.get(BACKFILL_RUN_ID)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to execute a manifest, as requested from a launcher. Dagster deduplicates by `run_key`."""

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
    """Proof that only this attempt may write its dataset. `token` is its fencing token."""

    dataset: str
    run_id: str
    attempt: int
    token: UUID
    over: Event = field(default_factory=Event, compare=False, repr=False)
    """Set once this process knows that the claim was revoked or taken over."""

    def check(self) -> None:
        """Stop if the claim is known to be over. Cheap: for long loops between two transactions.

        Raises:
            Deferred: the claim is over.
        """
        if self.over.is_set():
            raise Deferred(f"run {self.run_id[:12]} attempt {self.attempt} no longer owns {self.dataset}")


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """The state of an attempt and, once it has ended, its exit class and a message for people."""

    state: str
    exit_class: ExitClass | None
    message: str
