"""What a job reports when it ends: figures for people, per partition and in total. Not here: how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from casegold.domain.errors import ValidationFailed

Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The result of one check on one partition, as recorded in `quality_result`."""

    check: str
    required: bool
    status: str
    failures: int
    expected: str
    actual: str
    detail: str
    sample: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PartitionOutcome:
    """One partition of the run's range.

    `state` is PUBLISHED (a new version has it), UNCHANGED (computed again, same digest), HELD (its gate is closed, or
    that of an earlier partition is) or VERIFIED (computed again from recorded inputs). `row_count` counts the computed
    rows, published or not.
    """

    key: date
    state: str
    row_count: int
    checks: tuple[CheckOutcome, ...] = ()
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    verified: int | None = None
    """The version that was verified."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run."""

    summary: Mapping[str, Scalar]
    partitions: tuple[PartitionOutcome, ...] = ()
    version: int | None = None


class GateClosed(ValidationFailed):
    """At least one partition did not pass. What may be published of the others is published; the rest is held."""

    def __init__(self, message: str, *, remedy: str, outcome: Outcome) -> None:
        super().__init__(message, remedy=remedy)
        self.outcome = outcome
