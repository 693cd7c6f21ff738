"""How an attempt is launched: in this process, or in one of its own. Not here: what an execution does (`batch_job`)."""

from __future__ import annotations

from casegold.jobs import batch_job, subprocesses
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform


def launch(platform: Platform, run_id: str, attempt: int, launcher_ref: str) -> Outcome:
    """Execute one attempt in the process that `CASEGOLD_LAUNCHER` selects. Outcomes and errors are the same for both.

    Raises:
        Deferred, GateClosed, CasegoldError: see `batch_job.execute`.
    """
    if platform.settings.launcher == "subprocess":
        return subprocesses.execute(platform, run_id, attempt, launcher_ref)
    return batch_job.execute(platform, run_id, attempt, launcher_ref)
