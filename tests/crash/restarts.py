"""Lives of a platform without an orchestrator, each in a process of its own that a fail point may end.

Processes are forked from a server that has loaded everything and touched nothing, so that each costs its work only.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

import psutil

from casegold.cli import main
from casegold.control.db import ControlDb
from casegold.control.runs import attempts, claims
from casegold.domain import failpoints
from casegold.domain.errors import CasegoldError, ExitClass
from casegold.jobs import maintenance as jobs
from casegold.runtime import settings
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import PREFIX
from casegold.scheduling.ticks import publish_events_tick
from casegold.scheduling.worker import run_until_idle
from casegold.sink import maintenance, orphans, relay
from casegold.source import kafka, producer

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        __name__,
        *(f"casegold.jobs.{job}" for job in ("control_totals", "ingest", "maintenance", "report", "snapshot")),
        "casegold.cli.maintain",
        "pandera.backends.polars.register",
        "pandera.backends.polars.builtin_checks",
        "sqlalchemy.dialects.postgresql.psycopg2",
    ]
)

LONGEST_SECONDS = 120
MOST_RESTARTS = 8


_begun: list[ForkServerProcess] = []


def end_all() -> None:
    """Kill what a failed test left: a process that sleeps would never end."""
    while _begun:
        process = _begun.pop()
        if process.is_alive():
            process.kill()
            process.join()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended."""

    fired: bool
    """Whether the fail point was reached."""
    finished: bool
    """Whether all that was due is done, as far as this worker could tell."""
    error: ExitClass | None = None
    """The class of the error that ended it early."""
    message: str = ""


class Worker:
    """Some work in a process of its own, with this test's settings and a fail point."""

    def __init__(
        self, failpoint: str = "", work: Callable[..., bool] | None = None, *arguments: Any, impatient: bool = False
    ) -> None:
        """Begin.

        Args:
            failpoint: where it fails.
            work: what it does; None: all that is due, announcing it, hearing of it, and maintaining the lake.
            impatient: it gives up a server that does not answer after seconds, as it otherwise would after minutes;
                so does the server with it.
        """
        self.failpoint = failpoint
        self._told, theirs = _FORKS.Pipe(duplex=False)
        environment = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        environment |= {f"{PREFIX}FAILPOINT": failpoint}
        self._process = _FORKS.Process(target=_live, args=(theirs, environment, impatient, work or _work, arguments))
        self._process.start()
        _begun.append(self._process)
        theirs.close()

    def wait_until_stopped(self) -> bool:
        """Wait for a fail point of the kind `stop`. False where it ended without coming there."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not self._has_stopped():
            if not self._process.is_alive():
                return False
            assert time.monotonic() < deadline, f"{self} did not get there"
            time.sleep(0.01)
        return True

    def _has_stopped(self) -> bool:
        try:
            return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def go_on(self) -> None:
        """Wake it where it stopped."""
        psutil.Process(self._process.pid).resume()

    def die(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.join()

    def end(self) -> Ended:
        """Wait for its end."""
        self._process.join(LONGEST_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"{self} did not end in {LONGEST_SECONDS} s")
        if self._process.exitcode == 0:
            ended: Ended = self._told.recv()
            return ended
        assert ":kill" in self.failpoint, f"{self} ended with {self._process.exitcode}"
        assert self._process.exitcode == -signal.SIGKILL
        return Ended(fired=True, finished=False)

    def __str__(self) -> str:
        return f"a worker with {self.failpoint or 'no fail point'}"


def one_life(failpoint: str = "") -> Ended:
    """Do everything that is due, announce it, hear of it, and maintain the lake; or die on the way."""
    return forked(_work, (), failpoint)


def one_command(arguments: Sequence[str], failpoint: str = "") -> Ended:
    """Run `casegold ARGUMENTS`; `finished` tells whether it exited with 0."""
    return forked(_command, (list(arguments),), failpoint)


def forked(work: Callable[..., bool], arguments: tuple[Any, ...], failpoint: str) -> Ended:
    """Do some work from beginning to end; what raises an error has met its fail point."""
    ended = Worker(failpoint, work, *arguments).end()
    assert ended.error is None or ended.fired, ended
    return ended


def _live(
    told: Connection,
    environment: Mapping[str, str],
    impatient: bool,
    work: Callable[..., bool],
    arguments: tuple[Any, ...],
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(environment)
    claims.HEARTBEAT_SECONDS = 0.05
    _maintain_at_once()
    if impatient:
        kafka.TIMEOUT_SECONDS = kafka.STALL_SECONDS = 3
        producer.DELIVERY_SECONDS = 3
        relay.DELIVERY_MILLISECONDS = 3000
        settings.IDLE_SECONDS = 3
    finished, failed, message = False, None, ""
    try:
        finished = work(*arguments)
    except CasegoldError as error:
        failed, message = error.exit_class, str(error)
    except ConnectionError:  # what a lost acknowledgement is to whoever has no answer of its own
        if not failpoints.has_fired():
            raise
    told.send(Ended(failpoints.has_fired(), finished, failed, message))
    told.close()


def _command(arguments: list[str]) -> bool:
    return main.run(arguments) == 0


def _maintain_at_once() -> None:
    """Every step of maintenance has something to do, and what nothing names goes at once: claims alone protect."""
    for name, value in {"MIN_FILES": 2, "MANIFESTS_KEPT": 1, "SNAPSHOTS_KEPT": 2}.items():
        assert hasattr(jobs, name)
        setattr(jobs, name, value)
    maintenance.KEEP_REPLACED = timedelta(0)
    orphans.GRACE = timedelta(0)


def _work() -> bool:
    platform = open_platform()
    idle = run_until_idle(platform)
    prefix = platform.settings.outbox_topic_prefix
    while relay.relay_once(platform.control, platform.kafka_config, prefix):
        pass
    publish_events_tick(platform)
    for dataset in ("silver/case_events", "gold/case_daily_snapshot"):
        assert main.run(["maintain", dataset]) == 0 or failpoints.has_fired()
    return not idle.waiting


def let_time_pass(control: ControlDb) -> None:
    """What a minute without heartbeats and some minutes of backoff would do."""
    with control.write("by a test") as connection:
        connection.execute("update dataset_claim set heartbeat_at = heartbeat_at - interval '1 hour'")
        connection.execute(
            "update run_attempt set heartbeat_at = heartbeat_at - interval '1 hour' where heartbeat_at is not null"
        )
        connection.execute("update run_attempt set not_before = not_before - interval '1 hour'")


def give_up(control: ControlDb) -> None:
    """Take every attempt for dead that runs now, as after an hour without a sign of life."""
    let_time_pass(control)
    with control.write("by a test") as connection:
        attempts.reap(connection)


def restart_until_done(control: ControlDb, disturbances: list[str]) -> None:
    """Start one worker after the other, each with the next disturbance that was not met yet, until all is done.

    A disturbance that this work never meets stays in the list.
    """
    most = MOST_RESTARTS + len(disturbances)
    for _ in range(most):
        armed = disturbances[0] if disturbances else ""
        ended = one_life(armed)
        if ended.fired:
            disturbances.pop(0)
        let_time_pass(control)
        if ended.finished and not ended.fired:
            return
    raise AssertionError(f"not done after {most} lives; to be met: {disturbances}")
