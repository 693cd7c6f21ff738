"""Fail points: named places before and after each durable effect, where a test kills, stops or disturbs the process.

Off unless `CASEGOLD_FAILPOINT` names one: `version-complete.before:kill`, or `relay-send.after:kill@2` for the second
time it is reached. Not here: what an effect does, and the test that every effect in the code has its points
(tests/crash/test_effects.py).
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
    """The process dies as by `kill -9`: nothing is cleaned up."""
    RAISE = "raise"
    """An unexpected error is raised."""
    HANG = "hang"
    """The thread hangs; heartbeats continue."""
    STOP = "stop"
    """The whole process stops as by `kill -STOP`, heartbeats included, until somebody sends SIGCONT."""
    LOST_ACK = "lost_ack"
    """After an effect: it is durable, but its caller gets a connection error."""


EFFECTS: dict[str, str] = {
    # Servers and settings
    "schemas": "the control schema exists",
    "rules": "the approval rules are those of the contracts",
    "install": "time zone and business clock are fixed",
    "clock-set": "the business clock is changed",
    # Requested work
    "ingest-plan": "a range of offsets is planned for ingest",
    "plan": "due runs are requested",
    "attempt-request": "attempts for a launcher to start are recorded",
    "run-request": "a Dagster run is requested",
    "launch-failed": "an attempt is recorded as never started",
    "run-retry": "a person reopened an ended run",
    "run-cancel": "a person cancelled a run",
    "maintenance-ask": "maintenance of a dataset is requested",
    # A run's life
    "attempt-start": "an attempt runs and owns its dataset",
    "heartbeat": "the heartbeat of an attempt is recorded",
    "attempt-finish": "an attempt has ended",
    "attempt-lose": "an attempt is recorded as lost: its process is dead",
    "attempt-defer": "an attempt found nothing to do",
    # Kafka to silver
    "table-create": "an Iceberg table exists",
    "column-add": "an Iceberg table has the columns that its contract added",
    "head-move": "an empty snapshot moved the head of a table",
    "append-bronze/case_events": "a chunk of records is in bronze",
    "append-bronze/rejected_events": "the rejected records of a chunk are stored",
    "append-silver/case_events": "the accepted facts of a chunk are in silver",
    "append-bronze/control_totals": "a chunk of control totals is in bronze",
    "append-bronze/rejected_totals": "the rejected records of a chunk of totals are stored",
    "ingest-complete": "an ingest commit with its dates, admissions, holds and conflicts is recorded",
    "totals-complete": "a commit of control totals is recorded",
    "letters-send": "rejected records are on the dead-letter topic",
    "letters-done": "their delivery is recorded",
    "epoch-accept": "a person accepted a new epoch of a topic",
    "loss-accept": "a person accepted lost offsets",
    # Day close
    "day-barrier": "the barrier of a date is recorded: the end offsets read after its signals",
    "day-close": "dates are closed",
    "day-close-by-hand": "a person closed a date",
    # Stage, audit, publish
    "stage-write": "a data file of a stage is written",
    "stage-branch": "a branch exists",
    "stage-chunk": "a chunk of a stage is recorded, so that another attempt can continue",
    "stage-commit": "the files of a stage are on its branch",
    "artifact-write": "an artifact, such as a page or a CSV file, is written",
    "audit-record": "the results of the gate are recorded",
    "version-prepare": "a version is prepared",
    "publish-commit": "a version is on main",
    "version-complete": "a version is official, its announcement in the outbox",
    "version-abandoning": "an undecided version is taken from its publisher",
    "version-settle": "an undecided version is completed or abandoned",
    "mark-seen": "unchanged partitions are recorded as judged",
    "gate-settle": "holds match the verdict, and a failure is in the outbox",
    "branch-remove": "a branch is removed",
    # Announce and react
    "relay-send": "outbox rows are on Kafka",
    "relay-mark": "their delivery is recorded",
    "relay-again": "events that are no longer on their topic are marked for sending again",
    "stream-open": "a consumer has recorded the epoch of its topic",
    "trigger-claim": "announcements are claimed and the consumer's position is past them",
    # Under four eyes
    "person-add": "a person has a login",
    "person-remove": "a login is removed",
    "person-step": "a person's step, or its refusal, is in the audit trail",
    "replay-write": "the events that a replay will send are written to a file",
    "replay-file": "that file is recorded as the one to send",
    "replay-send": "events of a replay are on Kafka",
    "replay-mark": "they are recorded as sent",
    "shadow-record": "the comparison of a shadow with the official figures is recorded",
    "backfill-hear": "requests of other systems are recorded, and the consumer's position is past them",
    "backfill-step": "the platform began or ended a backfill, or its step was refused",
    "facts-admit": "held facts count, under an admission number of their own",
    # History
    "republish-ask": "the republication of a version is requested",
    "pin-release": "partitions are no longer pinned",
    # Maintenance
    "verification-record": "the result of a verification is recorded",
    "reconcile-mark": "ledger and lake of a dataset are recorded as consistent",
    "rebuild-ask": "a rebuild of silver from bronze is requested",
    "rebuild-append": "the branch of a rebuild has the rows of another group of ingests",
    "rebuild-switch": "the rebuilt table is on main",
    "repair-ask": "the repair of a dataset is requested",
    "repair-write": "a lost file is recomputed and written under another name",
    "repair-plan": "the plan of a repair is recorded",
    "repair-file": "a lost file is back in its place",
    "repair-commit": "main holds exactly the files of official versions",
    "repair-done": "the completed repair is recorded",
    "compaction-write": "a compacted file is written",
    "compaction-commit": "the compacted file replaces the small ones on main",
    "manifests-merge": "the manifests of a table are merged",
    "orphan-delete": "an unreferenced file is deleted",
    "snapshots-expire": "old snapshots are expired",
    "restore": "the database of a backup is restored and adapted to its new place",
}
"""Every durable effect of the platform: name -> what is true once it is done."""

SIDES = ("before", "after")


class FailPointReached(RuntimeError):
    """The error of `Kind.RAISE`: no code handles its class, as with a bug."""


class AcknowledgementLost(ConnectionError):
    """The error of `Kind.LOST_ACK`, of the class that a broken connection raises."""


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
    """Make this process fail at a point: `name:kind` or `name:kind@times`; an empty text disarms it.

    Raises:
        ConfigurationError: the point or kind is unknown, or `lost_ack` is asked for before an effect.
    """
    global _armed  # noqa: PLW0603 - one fail point per process, as there is one environment
    if not spec:
        _armed = None
        return
    point, _, rest = spec.rpartition(":")
    kind, _, times = rest.partition("@")
    if point not in points() or kind not in set(Kind) or not (times or "1").isdigit():
        raise ConfigurationError(
            f"CASEGOLD_FAILPOINT={spec!r} does not name a fail point",
            remedy="write name:kind or name:kind@times; `casegold failpoints` lists the names",
        )
    if kind == Kind.LOST_ACK and not point.endswith(".after"):
        raise ConfigurationError(f"CASEGOLD_FAILPOINT={spec!r}: before an effect there is no acknowledgement to lose")
    if _armed is None or (_armed.point, _armed.kind, _armed.at) != (point, kind, int(times or "1")):
        _armed = _Armed(point, Kind(kind), int(times or "1"))


def has_fired() -> bool:
    """Whether the armed point was reached often enough to fail."""
    return _armed is not None and _armed.reached[_armed.point] >= _armed.at


def reach(point: str, lost: type[Exception] = AcknowledgementLost) -> None:
    """Fail here if this is the armed point.

    Args:
        lost: the error that the caller gets when the acknowledgement of this effect is lost.
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
            # To this thread, so that no further statement runs.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case Kind.LOST_ACK:
            raise lost(f"fail point {point}: done, and its acknowledgement is lost")
        case Kind.RAISE:
            raise FailPointReached(f"fail point {point}")


@contextmanager
def durable(effect: str, lost: type[Exception] = AcknowledgementLost) -> Iterator[None]:
    """Marks the block as one durable effect, done when the block ends. `lost`: see `reach`."""
    reach(f"{effect}.before")
    yield
    reach(f"{effect}.after", lost)
