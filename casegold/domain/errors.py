"""The exit classes and the one error hierarchy of the platform.

Here belongs: what a failure means for the operator. Not here: retry loops and launchers, which only read the class.
"""

from __future__ import annotations

from enum import IntEnum


class ExitClass(IntEnum):
    """What the end of a process tells its launcher. The number is the process' exit code."""

    SUCCESS = 0
    VALIDATION_FAILED = 10
    """The gate is closed: a hold was written, a retry would find the same."""
    SOURCE_UNAVAILABLE = 20
    """Kafka, Postgres, a file or a lake did not answer: retry with backoff."""
    COMMIT_UNKNOWN = 30
    """A commit was sent and its acknowledgement lost: reconcile, then retry."""
    CONFIGURATION = 40
    """A setting, contract or scope is wrong: a person changes it, a retry would find the same."""
    BUG = 50
    """Anything else, and official figures that cannot be reproduced: a person looks into it."""


def exit_class_of(code: int) -> ExitClass:
    """The class that the exit code of a process stands for.

    Args:
        code: negative for a signal, as Python tells it; above 128 for a signal, as shells and containers do.
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
    """A server or file that should be there did not answer."""

    exit_class = ExitClass.SOURCE_UNAVAILABLE


class CommitUnknown(CasegoldError):
    """A commit was sent and nobody knows whether it landed."""

    exit_class = ExitClass.COMMIT_UNKNOWN


class ConfigurationError(CasegoldError):
    """A setting, contract, mapping, scope or argument is wrong."""

    exit_class = ExitClass.CONFIGURATION


class Refused(CasegoldError):
    """The rules of who may do what forbid a step. Recorded where it was attempted."""

    exit_class = ExitClass.CONFIGURATION


class InvariantBroken(CasegoldError):
    """Something that must always hold does not: a bug or foreign hands in the data."""

    exit_class = ExitClass.BUG


class TableLost(InvariantBroken):
    """A table of the lake is gone or is an older one, though the ledger knows what was written to it."""


class NotReproduced(CasegoldError):
    """Official figures that cannot be made again from what is recorded with them: nobody may rely on them."""

    exit_class = ExitClass.BUG


class Deferred(CasegoldError):
    """The dataset is claimed by another run; the planner will ask again. Not a failure: the process exits 0."""

    exit_class = ExitClass.SUCCESS
