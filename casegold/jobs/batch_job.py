"""The only way to execute an attempt, whoever launches it: start, send heartbeats, run the job, record the end.

    python -m casegold.jobs.batch_job --run-id R [--attempt N]

The process exits with the run's exit class. Not here: what a run computes (the jobs), who requests it (planner).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click

from casegold.control.db import ControlDb
from casegold.control.model import Claim, Pipeline
from casegold.control.runs import attempts, claims, manifests
from casegold.domain.errors import CasegoldError, Deferred, ExitClass
from casegold.jobs import registry
from casegold.jobs.attempt_end import Ended, to_json
from casegold.jobs.outcome import GateClosed, Outcome
from casegold.runtime import logs
from casegold.runtime.platform import Platform, open_platform

ASKED_BY = "batch_job"

DEADLINES = {
    Pipeline.INGEST: timedelta(hours=1),
    Pipeline.TOTALS: timedelta(hours=1),
    Pipeline.ADMISSION: timedelta(hours=1),
    Pipeline.REPORT: timedelta(hours=2),
    Pipeline.SNAPSHOT: timedelta(hours=6),
    Pipeline.REPUBLISH: timedelta(hours=2),
    Pipeline.MAINTENANCE: timedelta(hours=6),
    Pipeline.REPLAY: timedelta(hours=24),
    Pipeline.SHADOW: timedelta(hours=8),
    Pipeline.REBUILD: timedelta(hours=24),
    Pipeline.REPAIR: timedelta(hours=8),
}
"""How long an attempt may take. Without a deadline, an attempt that hangs would send heartbeats for ever and block its
dataset.

The deadlines are far above what was measured, so that only an attempt that hangs reaches them: an ingest run of a
million records takes a minute or two, 44 million snapshot rows take 20 minutes (docs/performance.md).
"""

GIVE_UP_SECONDS = 10.0
"""Seconds to record that the deadline has passed. Recording may hang, too; then the process ends without it."""

log = logging.getLogger("casegold.batch_job")


def execute(platform: Platform, run_id: str, attempt: int, launcher_ref: str) -> Outcome:
    """Run one attempt to its end and record it.

    Args:
        launcher_ref: the launcher's own name for this execution, so that people can find it there.

    Raises:
        Deferred: another run owns the dataset, or the attempt has ended or was cancelled.
        GateClosed: the gate holds some partitions; `outcome` says which.
        CasegoldError: its class is recorded for the attempt. Any other exception is recorded as a bug.
    """
    claim = attempts.start(platform.control, run_id, attempt, launcher_ref)
    try:
        with platform.control.read() as connection:
            manifest = manifests.manifest(connection, run_id)
        with heartbeat(platform.control, claim, DEADLINES[manifest.pipeline]):
            outcome = registry.job_of(manifest.pipeline)(platform, manifest, claim)
    except GateClosed as closed:
        attempts.finish(platform.control, claim, closed.exit_class, closed.message, dict(closed.outcome.summary))
        raise
    except Deferred as deferred:
        if not attempts.defer(platform.control, claim, deferred.message):
            raise Deferred(attempts.why_over(platform.control, claim)) from deferred
        raise
    except CasegoldError as error:
        attempts.finish(platform.control, claim, error.exit_class, str(error), {"error": error.message})
        raise
    except BaseException as error:
        exit_class = ExitClass.BUG if isinstance(error, Exception) else ExitClass.SOURCE_UNAVAILABLE
        message = f"{type(error).__name__}: {error}"
        attempts.finish(platform.control, claim, exit_class, message, {"error": message})
        raise
    if attempts.finish(platform.control, claim, ExitClass.SUCCESS, "", dict(outcome.summary)) is None:
        raise Deferred(attempts.why_over(platform.control, claim))
    return outcome


@contextmanager
def heartbeat(control: ControlDb, claim: Claim, deadline: timedelta) -> Iterator[None]:
    """Send heartbeats from a thread while the block runs. A missed one is no error: the claim's token decides.

    A heartbeat that finds the claim gone sets `claim.over`, and the job stops at its next check.

    Args:
        deadline: the process ends itself after this time, whatever it is doing.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(claims.HEARTBEAT_SECONDS):
            try:
                if not claims.heartbeat(control, claim):
                    claim.over.set()
                    return
            except CasegoldError as error:
                log.warning("no heartbeat for run %s: %s", claim.run_id[:12], error.message)

    thread = threading.Thread(target=beat, name=f"heartbeat-{claim.run_id[:12]}", daemon=True)
    # A separate thread: if a transaction of the job hangs with a lock on the claim's row, the heartbeat waits for it.
    alarm = threading.Timer(deadline.total_seconds(), _give_up, (control, claim, deadline))
    alarm.daemon = True
    thread.start()
    alarm.start()
    try:
        yield
    finally:
        ended.set()
        alarm.cancel()
        thread.join()


def _give_up(control: ControlDb, claim: Claim, deadline: timedelta) -> NoReturn:
    """End this process: a thread that hangs cannot be asked to stop."""
    exit_class = ExitClass.SOURCE_UNAVAILABLE
    at_the_latest = threading.Timer(GIVE_UP_SECONDS, os._exit, (int(exit_class),))
    at_the_latest.daemon = True
    at_the_latest.start()
    message = f"attempt {claim.attempt} of run {claim.run_id[:12]} did not end within {deadline}"
    log.error("%s: this process ends itself", message)
    try:
        attempts.finish(control, claim, exit_class, message, {"error": message})
    finally:
        logging.shutdown()
        os._exit(int(exit_class))


def run_alone(run_id: str, attempt: int | None, launcher_ref: str) -> Ended:
    """Execute one attempt as the only work of this process. Return how it ended; errors are not raised.

    Args:
        attempt: None means the attempt that waits for a launcher, or else the next one.
    """
    try:
        platform = open_platform()
        if attempt is None:
            with platform.control.write("attempt-request") as connection:
                attempt = attempts.attempt_at(connection, run_id, ASKED_BY).attempt
        return Ended(ExitClass.SUCCESS, execute(platform, run_id, attempt, launcher_ref))
    except CasegoldError as error:
        if error.exit_class is ExitClass.BUG:
            log.exception("run %s", run_id)
        return Ended.by(error)
    except KeyboardInterrupt:
        return Ended(ExitClass.SOURCE_UNAVAILABLE, message="interrupted", remedy="the next attempt resumes from here")
    except Exception as error:
        log.exception("run %s", run_id)
        return Ended(ExitClass.BUG, message=f"{type(error).__name__}: {error}", remedy="see the trace in the output")


@click.command()
@click.option("--run-id", required=True)
@click.option("--attempt", type=int, help="Default: the one that waits for a launcher, or else the next one.")
@click.option("--launcher-ref", default="batch_job", show_default=True, help="The launcher's name for this process.")
@click.option("--tell", type=click.Path(path_type=Path), help="Write how the attempt ended to this file, as JSON.")
def main(run_id: str, attempt: int | None, launcher_ref: str, tell: Path | None) -> None:
    """Execute one attempt of a run and exit with its class."""
    logs.set_up()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: leaves time to record the end
    ended = run_alone(run_id, attempt, launcher_ref)
    if tell is not None:
        # Write, then rename: a reader never sees a partial file, even if we die here.
        partial = tell.with_suffix(".partial")
        partial.write_bytes(to_json(ended))
        partial.rename(tell)
    if ended.message:
        click.echo(f"{ended.message}\n  -> {ended.remedy}" if ended.remedy else ended.message, err=True)
    raise SystemExit(int(ended.exit_class))


if __name__ == "__main__":
    main()
