"""Fail points: named places before and after each durable effect, where a test ends, stops or disturbs the process.

Off unless `CASEGOLD_FAILPOINT` names one: `version-complete.before:kill`, or `relay-send.after:kill@2` for the second
time it is reached. Here belong the names of all durable effects and what may happen at their points. Not here: what an
effect does, and the test that every effect in the code has its points (tests/crash/test_effects.py).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from casegold.domain.errors import ConfigurationError


class Kind(StrEnum):
    """What happens at a point."""

    KILL = "kill"
    """The process ends as by `kill -9`: nothing is cleaned up."""
    RAISE = "raise"
    """An error that nobody foresaw."""
    HANG = "hang"
    """The thread waits for ever; heartbeats go on."""
    STOP = "stop"
    """The whole process stops as by `kill -STOP`, heartbeats too, until somebody sends it SIGCONT."""
    LOST_ACK = "lost_ack"
    """After an effect: it is durable, and its caller is told that the connection broke."""


EFFECTS: dict[str, str] = {
    # Servers and settings
    "schemas": "the control schema is there",
    "rules": "the rules of approval are those of the contracts",
    "install": "time zone and business clock are fixed",
    "clock-set": "the business clock is another",
    # What is asked for
    "ingest-plan": "a range of offsets is planned for ingest",
    "plan": "what is due is asked for",
    "attempt-request": "attempts that a launcher is to start are written",
    "run-request": "Dagster is asked for a run",
    "launch-failed": "an attempt is known never to start",
    "run-retry": "a person opened an ended run again",
    "run-cancel": "a person cancelled a run",
    "maintenance-ask": "maintenance of a dataset is asked for",
    # A run's life
    "attempt-start": "an attempt runs and owns its dataset",
    "heartbeat": "an attempt gave a sign of life",
    "attempt-finish": "an attempt has ended",
    "attempt-lose": "an attempt's process is known to be dead",
    "attempt-defer": "an attempt found nothing to do",
    # Kafka to silver
    "table-create": "an Iceberg table exists",
    "column-add": "an Iceberg table has the columns that its contract added",
    "head-move": "the head of a table moved by an empty snapshot",
    "append-bronze/case_events": "a chunk of records is in bronze",
    "append-bronze/rejected_events": "the rejected records of a chunk are kept",
    "append-silver/case_events": "the accepted facts of a chunk are in silver",
    "append-bronze/control_totals": "a chunk of control totals is in bronze",
    "append-bronze/rejected_totals": "the rejected records of a chunk of totals are kept",
    "ingest-complete": "an ingest commit with its dates, admissions, holds and conflicts is recorded",
    "totals-complete": "a commit of control totals is recorded",
    "letters-send": "rejected records are on the dead-letter topic",
    "letters-done": "their sending is recorded",
    "epoch-accept": "a person accepted another life of a topic",
    "loss-accept": "a person accepted lost offsets",
    # Day close
    "day-barrier": "end offsets read after a date's signals are kept",
    "day-close": "dates are closed",
    "day-close-by-hand": "a person closed a date",
    # Stage, audit, publish
    "stage-write": "a data file of a stage is written",
    "stage-branch": "a branch exists",
    "stage-chunk": "a chunk of a stage is recorded for whoever takes the run over",
    "stage-commit": "the files of a stage are on its branch",
    "artifact-write": "a file beside the rows is written",
    "audit-record": "the results of the gate are recorded",
    "version-prepare": "a version is prepared",
    "publish-commit": "a version is on main",
    "version-complete": "a version is official, its announcement in the outbox",
    "version-abandoning": "an undecided version is taken from its publisher",
    "version-settle": "an undecided version is completed or abandoned",
    "mark-seen": "unchanged partitions are known to be judged",
    "gate-settle": "holds agree with the verdict, a failure is in the outbox",
    "branch-remove": "a branch is gone",
    # Announce and react
    "relay-send": "outbox rows are on Kafka",
    "relay-mark": "their delivery is recorded",
    "relay-again": "events are known to be no longer on their topic",
    "stream-open": "a consumer knows the life of its topic",
    "trigger-claim": "announcements are claimed and the consumer's position is past them",
    # Under four eyes
    "person-add": "a person has a login",
    "person-remove": "a login is gone",
    "person-step": "a person's step, or its refusal, is in the audit trail",
    "replay-write": "the events that a replay will send are written to a file",
    "replay-file": "that file is the one that is sent",
    "replay-send": "events of a replay are on Kafka",
    "replay-mark": "they are recorded as sent",
    "shadow-record": "what a shadow computed is recorded beside what is official",
    "backfill-hear": "requests of other systems are asked for, and the position has passed them",
    "backfill-step": "the platform began or ended a backfill, or was refused to",
    "facts-admit": "held facts count, under a number of their own",
    # History
    "republish-ask": "a version is asked to be official again",
    "pin-release": "partitions are no longer pinned",
    # Maintained
    "verification-record": "what a verification found is recorded",
    "reconcile-mark": "ledger and lake of a dataset are known to agree",
    "rebuild-ask": "silver is asked to be made again from bronze",
    "rebuild-append": "the branch of a rebuild has the rows of some more ingests",
    "rebuild-switch": "the table that was made again is on main",
    "repair-ask": "a dataset is asked to be put right",
    "repair-write": "a lost file that was computed again is written under another name",
    "repair-plan": "what is about to be put right is recorded",
    "repair-file": "a lost file is at its place again",
    "repair-commit": "main holds exactly the files of official versions",
    "repair-done": "that it does is recorded",
    "compaction-write": "a file that joins small ones is written",
    "compaction-commit": "the joined file is on main instead of the small ones",
    "manifests-merge": "the manifests of a table are few again",
    "orphan-delete": "a file that nothing names is gone",
    "snapshots-expire": "old snapshots are expired",
    "restore": "the database of a backup is there, mended for where it is now",
}
"""Every durable effect of the platform: name -> what holds once it is done."""

SIDES = ("before", "after")


class FailPointReached(RuntimeError):
    """The error of `Kind.RAISE`: of no class that anybody handles, as a bug would be."""


class AcknowledgementLost(ConnectionError):
    """The error of `Kind.LOST_ACK`, of the kind that a broken connection gives."""


@dataclass(slots=True)
class _Armed:
    point: str
    kind: Kind
    at: int
    reached: Counter[str] = field(default_factory=Counter)


_armed: _Armed | None = None


def points() -> list[str]:
    """The names of all fail points."""
    return [f"{effect}.{side}" for effect in EFFECTS for side in SIDES]


def arm(spec: str) -> None:
    """Make this process fail at a point: `name:kind` or `name:kind@times`; an empty text makes it fail nowhere.

    Raises:
        ConfigurationError: there is no such point or kind, or no acknowledgement to lose before an effect.
    """
    global _armed  # noqa: PLW0603 - a process has one fail point, as it has one environment
    if not spec:
        _armed = None
        return
    point, _, rest = spec.rpartition(":")
    kind, _, times = rest.partition("@")
    if point not in points() or kind not in set(Kind) or not (times or "1").isdigit():
        raise ConfigurationError(
            f"CASEGOLD_FAILPOINT={spec!r} names no fail point",
            remedy="it is name:kind or name:kind@times; `casegold failpoints` lists the names",
        )
    if kind == Kind.LOST_ACK and not point.endswith(".after"):
        raise ConfigurationError(f"CASEGOLD_FAILPOINT={spec!r}: before an effect there is no acknowledgement to lose")
    if _armed is None or (_armed.point, _armed.kind, _armed.at) != (point, kind, int(times or "1")):
        _armed = _Armed(point, Kind(kind), int(times or "1"))


def has_fired() -> bool:
    """Whether the armed point was reached often enough to fail there."""
    return _armed is not None and _armed.reached[_armed.point] >= _armed.at


def reach(point: str, lost: type[Exception] = AcknowledgementLost) -> None:
    """Fail here if this is the armed point.

    Args:
        lost: what its caller is told when the acknowledgement of this effect is lost.
    """
    if _armed is None or _armed.point != point:
        return
    _armed.reached[point] += 1
    if _armed.reached[point] != _armed.at:
        return
    match _armed.kind:
        case Kind.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Kind.HANG:
            threading.Event().wait()
        case Kind.STOP:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # to this thread: not one statement later
        case Kind.LOST_ACK:
            raise lost(f"fail point {point}: done, and its acknowledgement is lost")
        case Kind.RAISE:
            raise FailPointReached(f"fail point {point}")


@contextmanager
def durable(effect: str, lost: type[Exception] = AcknowledgementLost) -> Iterator[None]:
    """The block is one durable effect, done when it ends. `lost`: see `reach`."""
    reach(f"{effect}.before")
    yield
    reach(f"{effect}.after", lost)
