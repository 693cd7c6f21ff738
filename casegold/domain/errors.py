"""The exit classes and the error hierarchy of the platform: what a failure means for the operator.

Not here: retries and launchers, which only read the class.
"""

from __future__ import annotations

from enum import IntEnum


class ExitClass(IntEnum):
    """What the exit of a process tells its launcher. The number is the exit code of the process."""

    SUCCESS = 0
    VALIDATION_FAILED = 10
    """The gate is closed and a hold was written: a retry would find the same."""
    SOURCE_UNAVAILABLE = 20
    """Kafka, PostgreSQL, a file or the lake did not respond: retry with backoff."""
    COMMIT_UNKNOWN = 30
    """A commit was sent and its acknowledgement was lost: reconcile, then retry."""
    CONFIGURATION = 40
    """A setting, contract or scope is wrong: a person has to change it, a retry would find the same."""
    BUG = 50
    """Anything else, and official figures that cannot be reproduced: a person has to investigate."""


def exit_class_of(code: int) -> ExitClass:
    """The class that the exit code of a process stands for.

    Args:
        code: a signal is negative, as Python reports it, or above 128, as shells and containers report it.
    """
    if code < 0 or code > 128:
        return ExitClass.SOURCE_UNAVAILABLE
    return ExitClass(code) if code in set(ExitClass) else ExitClass.BUG


class CasegoldError(Exception):
    """An error with a class and a remedy.

    `message` says what is wrong and names the file, row, field or object; `remedy` says what to do next.
    """

    exit_class: ExitClass = ExitClass.BUG

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.remedy}" if self.remedy else self.message


class ValidationFailed(CasegoldError):
    """Data did not pass its gate."""

    exit_class = ExitClass.VALIDATION_FAILED


class SourceUnavailable(CasegoldError):
    """A server or file that should be available is not."""

    exit_class = ExitClass.SOURCE_UNAVAILABLE


class CommitUnknown(CasegoldError):
    """A commit was sent, and it is unknown whether it was applied."""

    exit_class = ExitClass.COMMIT_UNKNOWN


class ConfigurationError(CasegoldError):
    """A setting, contract, mapping, scope or argument is wrong."""

    exit_class = ExitClass.CONFIGURATION


class Refused(CasegoldError):
    """The approval rules or missing rights forbid a step. The attempt is recorded in the audit trail."""

    exit_class = ExitClass.CONFIGURATION


class InvariantBroken(CasegoldError):
    """An invariant does not hold: a bug, or somebody changed the data by other means."""

    exit_class = ExitClass.BUG


class TableLost(InvariantBroken):
    """A table of the lake is missing or was replaced by an older state; the ledger records newer writes to it."""


class NotReproduced(CasegoldError):
    """Official figures cannot be recomputed from their recorded inputs: nobody may rely on them."""

    exit_class = ExitClass.BUG


class Deferred(CasegoldError):
    """Another run has claimed the dataset; the planner will request the run again. Not a failure: exit code 0."""

    exit_class = ExitClass.SUCCESS
