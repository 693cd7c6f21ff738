"""What a job has to say when it ends: figures for people, per partition and in all. Not here: how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from casegold.domain.errors import ValidationFailed

Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One check on one partition, as recorded in quality_result."""

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

    `state` is PUBLISHED (a new version has it), UNCHANGED (judged again, same digest), HELD (gate closed, or behind one
    that is) or VERIFIED (computed again from what is recorded). `row_count` counts the rows that were computed,
    published or not.
    """

    key: date
    state: str
    row_count: int
    checks: tuple[CheckOutcome, ...] = ()
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    verified: int | None = None
    """The version that was computed again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run."""

    summary: Mapping[str, Scalar]
    partitions: tuple[PartitionOutcome, ...] = ()
    version: int | None = None


class GateClosed(ValidationFailed):
    """Some partition did not pass. What did pass, if anything, is published; the rest is held."""

    def __init__(self, message: str, *, remedy: str, outcome: Outcome) -> None:
        super().__init__(message, remedy=remedy)
        self.outcome = outcome
