"""The retry policy: one table of what follows the end of an attempt, and the backoff between attempts. No I/O.

Not here: recording an end (`attempt_results`), decisions of people (`interventions`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from casegold.control.model import RunState
from casegold.domain.errors import ExitClass

JITTER_STEPS = 2**32


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows attempts that ended with one exit class.

    Pauses double from `first_pause` to `longest_pause` (seconds). `jitter` is the share of a pause that differs from
    run to run, so that runs that failed together do not retry together.
    """

    becomes: RunState
    """The manifest's state once there is no further automatic attempt."""
    person: str
    """What a person should do then."""
    attempts: int = 1
    """How many attempts may fail before `becomes`; 1 means no automatic retry. A person's retry resets the count."""
    first_pause: float = 0.0
    longest_pause: float = 0.0
    jitter: float = 0.0

    @property
    def retried(self) -> bool:
        return self.attempts > 1

    def pause(self, run_id: str, failed: int) -> float:
        """Seconds from the `failed`-th failure of a run to its next attempt; deterministic in both arguments."""
        if not self.retried:
            return 0.0
        whole = min(self.longest_pause, self.first_pause * 2.0 ** (failed - 1))
        word = hashlib.sha256(f"{run_id}/{failed}".encode()).digest()[:4]
        return whole * (1.0 - self.jitter * int.from_bytes(word) / JITTER_STEPS)


AWAY = Rule(
    RunState.FAILED,
    "restart the server that the message names, then `casegold retry`",
    attempts=35,
    first_pause=5.0,
    longest_pause=60.0,
    jitter=0.5,
)
"""The pauses between 35 attempts add up to 15 to 31 minutes, longer than any server's restart takes. Each pause is at
most a minute, so that work goes on soon after the server is back."""

RULES: Mapping[ExitClass, Rule] = {
    ExitClass.SUCCESS: Rule(RunState.SUCCEEDED, "nothing"),
    ExitClass.VALIDATION_FAILED: Rule(
        RunState.HELD, "correct the data; `casegold holds` names the checks, and the hold ends by itself"
    ),
    ExitClass.SOURCE_UNAVAILABLE: AWAY,
    # Safe to retry: every job begins with `resolve_undecided` or finishes the chunk it finds, so the next attempt finds
    # out whether the commit succeeded before it does anything else.
    ExitClass.COMMIT_UNKNOWN: AWAY,
    ExitClass.CONFIGURATION: Rule(RunState.FAILED, "correct what the message says, then `casegold retry`"),
    ExitClass.BUG: Rule(RunState.FAILED, "read the stack trace; once the bug is fixed, `casegold retry`"),
}

LAUNCH = replace(AWAY, person="repair the launcher, then `casegold retry`")
"""A failed launch says nothing about the work itself, so launches are counted separately and only consecutive ones."""

LOST_IN_A_ROW = 6
"""A process that dies six times in a row without an error is a bug, not bad luck. Repeated restarts of a machine, or
servers that die one after the other, cause up to three losses in a row by chance."""


@dataclass(frozen=True, slots=True)
class History:
    """How a manifest's attempts ended since a person last retried it, including the newest.

    Deferred and cancelled attempts are ignored: they are no failures, and do not end a row of failures either.
    """

    failed: int
    """Attempts that began and failed or were lost."""
    lost_in_a_row: int
    launches_failed_in_a_row: int


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: the manifest's state and, if that is OPEN, the seconds until the next attempt."""

    state: RunState
    pause_seconds: float


def after(exit_class: ExitClass, run_id: str, history: History) -> Next:
    """What follows an attempt that ended with this exit class."""
    return _apply(RULES[exit_class], run_id, history.failed)


def after_failed_launch(run_id: str, history: History) -> Next:
    """What follows an attempt that its launcher did not start."""
    return _apply(LAUNCH, run_id, history.launches_failed_in_a_row)


def class_of_loss(history: History) -> ExitClass:
    """The exit class that a lost attempt counts as."""
    return ExitClass.BUG if history.lost_in_a_row >= LOST_IN_A_ROW else ExitClass.SOURCE_UNAVAILABLE


def _apply(rule: Rule, run_id: str, failed: int) -> Next:
    if not rule.retried or failed >= rule.attempts:
        return Next(rule.becomes, 0.0)
    return Next(RunState.OPEN, rule.pause(run_id, failed))
