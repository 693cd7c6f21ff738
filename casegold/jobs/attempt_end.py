"""How an attempt ended, as one process reports it to another. Not here: starting processes (`subprocesses`)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from casegold.domain.errors import (
    CasegoldError,
    CommitUnknown,
    ConfigurationError,
    Deferred,
    ExitClass,
    SourceUnavailable,
    ValidationFailed,
)
from casegold.jobs.outcome import GateClosed, Outcome

ERRORS: dict[ExitClass, type[CasegoldError]] = {
    ExitClass.VALIDATION_FAILED: ValidationFailed,
    ExitClass.SOURCE_UNAVAILABLE: SourceUnavailable,
    ExitClass.COMMIT_UNKNOWN: CommitUnknown,
    ExitClass.CONFIGURATION: ConfigurationError,
    ExitClass.BUG: CasegoldError,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one attempt. A success or a closed gate has an `outcome` unless the process died before reporting."""

    exit_class: ExitClass
    outcome: Outcome | None = None
    message: str = ""
    remedy: str = ""
    deferred: bool = False

    @classmethod
    def by(cls, error: CasegoldError) -> Ended:
        """The end of an attempt that raised this error."""
        outcome = error.outcome if isinstance(error, GateClosed) else None
        return cls(error.exit_class, outcome, error.message, error.remedy, isinstance(error, Deferred))

    def result(self) -> Outcome:
        """Return the outcome, or raise the error, that `batch_job.execute` gives for this end."""
        if self.deferred:
            raise Deferred(self.message, remedy=self.remedy)
        if self.exit_class is ExitClass.SUCCESS:
            return self.outcome or Outcome({})
        if self.exit_class is ExitClass.VALIDATION_FAILED and self.outcome is not None:
            raise GateClosed(self.message, remedy=self.remedy, outcome=self.outcome)
        raise ERRORS[self.exit_class](self.message, remedy=self.remedy)


_JSON = TypeAdapter(Ended)


def to_json(ended: Ended) -> bytes:
    """Serialize an end as JSON."""
    return _JSON.dump_json(ended)


def from_json(text: bytes) -> Ended:
    """Read an end from the JSON that `to_json` wrote."""
    return _JSON.validate_json(text)
