"""The one way to execute an attempt, whoever launches it: start, heartbeat, run, record the end.

    python -m casegold.jobs.batch_job --run-id R [--attempt N]

The process exits with the run's exit class. Not here: what a run computes (runtime.jobs), who asks for it (planner).
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
from casegold.control.runs import store
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
"""How long an attempt may take: one that hangs would beat for ever, and nobody else could have its dataset.

Far beyond what was measured, so that only what hangs meets it: the million records of an ingest run take a minute or
two, 44 million snapshot rows 20 minutes (docs/performance.md).
"""

LAST_WORDS_SECONDS = 10.0
"""Time to record that a deadline is over, where even that may hang."""

log = logging.getLogger("casegold.batch_job")


def execute(platform: Platform, run_id: str, attempt: int, launcher_ref: str) -> Outcome:
    """Run one attempt to its end and record it.

    Args:
        launcher_ref: what the launcher calls this execution, for people who follow it there.

    Raises:
        Deferred: the dataset is owned by another run, or the attempt is over or was cancelled.
        GateClosed: judged and held; `outcome` says what.
        CasegoldError: with the class that is recorded for the attempt. Any other exception is recorded as a bug.
    """
    claim = store.start(platform.control, run_id, attempt, launcher_ref)
    try:
        with platform.control.read() as connection:
            manifest = store.manifest(connection, run_id)
        with heartbeat(platform.control, claim, DEADLINES[manifest.pipeline]):
            outcome = registry.job_of(manifest.pipeline)(platform, manifest, claim)
    except GateClosed as closed:
        store.finish(platform.control, claim, closed.exit_class, closed.message, dict(closed.outcome.summary))
        raise
    except Deferred as deferred:
        if not store.defer(platform.control, claim, deferred.message):
            raise Deferred(store.why_over(platform.control, claim)) from deferred
        raise
    except CasegoldError as error:
        store.finish(platform.control, claim, error.exit_class, str(error), {"error": error.message})
        raise
    except BaseException as error:
        exit_class = ExitClass.BUG if isinstance(error, Exception) else ExitClass.SOURCE_UNAVAILABLE
        message = f"{type(error).__name__}: {error}"
        store.finish(platform.control, claim, exit_class, message, {"error": message})
        raise
    if store.finish(platform.control, claim, ExitClass.SUCCESS, "", dict(outcome.summary)) is None:
        raise Deferred(store.why_over(platform.control, claim))
    return outcome


@contextmanager
def heartbeat(control: ControlDb, claim: Claim, deadline: timedelta) -> Iterator[None]:
    """Beat in a thread while the block runs. A missed beat is no error: the claim's token decides, not the thread.

    A beat that finds the claim gone marks it, so that the job stops at its next look.

    Args:
        deadline: after which the process ends, whatever it does.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(store.HEARTBEAT_SECONDS):
            try:
                if not store.heartbeat(control, claim):
                    claim.over.set()
                    return
            except CasegoldError as error:
                log.warning("no heartbeat for run %s: %s", claim.run_id[:12], error.message)

    thread = threading.Thread(target=beat, name=f"heartbeat-{claim.run_id[:12]}", daemon=True)
    # A thread of its own: a beat waits for a transaction of the job that hangs with the claim's row in its hands.
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
    """End this process: whatever hangs in it cannot be asked to stop."""
    exit_class = ExitClass.SOURCE_UNAVAILABLE
    at_the_latest = threading.Timer(LAST_WORDS_SECONDS, os._exit, (int(exit_class),))
    at_the_latest.daemon = True
    at_the_latest.start()
    message = f"attempt {claim.attempt} of run {claim.run_id[:12]} did not end within {deadline}"
    log.error("%s: this process ends itself", message)
    try:
        store.finish(control, claim, exit_class, message, {"error": message})
    finally:
        logging.shutdown()
        os._exit(int(exit_class))


def run_alone(run_id: str, attempt: int | None, launcher_ref: str) -> Ended:
    """Execute one attempt as all that this process does; however it ends, that is returned.

    Args:
        attempt: None for the one that waits for a launcher, else the next one.
    """
    try:
        platform = open_platform()
        if attempt is None:
            with platform.control.write("attempt-request") as connection:
                attempt = store.attempt_at(connection, run_id, ASKED_BY).attempt
        return Ended(ExitClass.SUCCESS, execute(platform, run_id, attempt, launcher_ref))
    except CasegoldError as error:
        if error.exit_class is ExitClass.BUG:
            log.exception("run %s", run_id)
        return Ended.by(error)
    except KeyboardInterrupt:
        return Ended(ExitClass.SOURCE_UNAVAILABLE, message="interrupted", remedy="the next attempt goes on from here")
    except Exception as error:
        log.exception("run %s", run_id)
        return Ended(ExitClass.BUG, message=f"{type(error).__name__}: {error}", remedy="the output has the trace")


@click.command()
@click.option("--run-id", required=True)
@click.option("--attempt", type=int, help="By default the one that waits for a launcher, else the next one.")
@click.option("--launcher-ref", default="batch_job", show_default=True, help="What the launcher calls this process.")
@click.option("--tell", type=click.Path(path_type=Path), help="File to be written: how the attempt ended, as JSON.")
def main(run_id: str, attempt: int | None, launcher_ref: str, tell: Path | None) -> None:
    """Execute one attempt of a run and exit with its class."""
    logs.set_up()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: time to record the end
    ended = run_alone(run_id, attempt, launcher_ref)
    if tell is not None:
        # Whole or not at all: whoever reads it cannot see that we died on the way.
        partial = tell.with_suffix(".partial")
        partial.write_bytes(to_json(ended))
        partial.rename(tell)
    if ended.message:
        click.echo(f"{ended.message}\n  -> {ended.remedy}" if ended.remedy else ended.message, err=True)
    raise SystemExit(int(ended.exit_class))


if __name__ == "__main__":
    main()
