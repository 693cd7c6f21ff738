"""Runs that ended before their attempt began: told to the core, which asks again or gives up.

Not here: runs whose attempt began; those record their own end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from casegold.domain.failpoints import durable
from casegold.manifest.model import Attempt
from casegold.runtime.platform import Platform
from casegold.runtime.ticks import launch_failed
from resources.runs import ATTEMPT_TAG, RUN_ID_TAG, run_request

ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS]


def requests(instance: dg.DagsterInstance, platform: Platform, attempts: Iterable[Attempt]) -> Iterator[dg.RunRequest]:
    """A request for each attempt that has not started, also where it was made before: a lost one is so repeated.

    An attempt whose run has ended without starting it would never start: Dagster finds its run key and does nothing.
    At most one attempt per dataset waits, so this asks Dagster a handful of questions however much data there is.
    """
    for attempt in attempts:
        ended = instance.get_runs(
            dg.RunsFilter(tags={RUN_ID_TAG: attempt.run_id, ATTEMPT_TAG: str(attempt.attempt)}, statuses=ENDED),
            limit=1,
        )
        if ended:
            launch_failed(platform, attempt.run_id, attempt.attempt, why(ended[0]))
        else:
            with durable("run-request"):
                yield run_request(attempt)


def why(run: dg.DagsterRun) -> str:
    """What to record about a launch that failed."""
    return f"Dagster run {run.run_id} ended as {run.status.value} before it began the attempt"
