"""The launcher that gives each attempt its own process, so that a crash of one affects nothing else.

Not here: what the process does (`batch_job`), and how Dagster reports its end (`platform_assets`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from casegold.control.runs import attempts
from casegold.domain.errors import Deferred, ExitClass, exit_class_of
from casegold.jobs.attempt_end import Ended, from_json
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform

GRACE_SECONDS = 20.0
"""Seconds between SIGTERM and SIGKILL: time for a process to record its end, not to finish its work."""


def execute(platform: Platform, run_id: str, attempt: int, launcher_ref: str) -> Outcome:
    """Like `batch_job.execute`, in another process, which reads its settings from the environment.

    Raises:
        Deferred, GateClosed, CasegoldError: like `batch_job.execute`. SourceUnavailable also if the process was killed.
    """
    with TemporaryDirectory(prefix="casegold-attempt-") as directory:
        report = Path(directory) / "ended.json"
        options = {"run-id": run_id, "attempt": attempt, "launcher-ref": launcher_ref, "tell": report}
        command = [sys.executable, "-m", "casegold.jobs.batch_job"]
        code = _wait(subprocess.Popen([*command, *(f"--{name}={value}" for name, value in options.items())]))
        ended = from_json(report.read_bytes()) if report.exists() else _unreported(platform, run_id, attempt, code)
    return ended.result()


def _wait(process: subprocess.Popen[bytes]) -> int:
    """The exit code. If an exception such as Ctrl-C interrupts the wait, the process is ended first."""
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _unreported(platform: Platform, run_id: str, attempt: int, code: int) -> Ended:
    """How an attempt ended if its process did not report it: by control state, else by the exit code."""
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    what = f"the process of attempt {attempt} of run {run_id[:12]} {how}"
    lost = attempts.lose(platform.control, run_id, attempt, what)
    if lost is not None:
        return Ended(lost, message=what, remedy="`casegold runs` shows whether another attempt follows")
    found = attempts.end_of(platform.control, run_id, attempt)
    match found.state:
        case "REQUESTED":
            exit_class = exit_class_of(code)
            remedy = "see its output"
            return Ended(exit_class, message=f"{what} before it began", remedy=remedy, deferred=not exit_class)
        case "FAILED" | "LOST":
            return Ended(found.exit_class or ExitClass.BUG, message=found.message)
        case "SUCCEEDED":
            return Ended(ExitClass.SUCCESS)
        case _:
            return Ended.by(Deferred(found.message))
