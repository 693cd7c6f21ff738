"""Dagster runs that ended without an end of their attempt: told to the core, which asks again, gives up, or cancels.

Not here: runs whose attempt began and was not cancelled; those record their own end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from casegold.control.model import Attempt
from casegold.domain.failpoints import durable
from casegold.runtime.platform import Platform
from casegold.scheduling.ticks import cancelled, launch_failed
from resources.runs import ATTEMPT_TAG, BY_HAND, RUN_ID_TAG, attempt_of, run_request

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
            tell(platform, ended[0])
        else:
            with durable("run-request"):
                yield run_request(attempt)


def tell(platform: Platform, run: dg.DagsterRun) -> None:
    """Tell the core of a run that ended; it ignores what it knows already, and attempts that recorded their own end.

    Dagster cancels a run only where somebody asked for it: that ends the run's manifest, too.
    """
    named = attempt_of(run.tags)
    if named is None:
        return
    if run.status is dg.DagsterRunStatus.CANCELED:
        cancelled(platform, *named, BY_HAND, f"Dagster run {run.run_id} was terminated")
    else:
        launch_failed(
            platform, *named, f"Dagster run {run.run_id} ended as {run.status.value} before the attempt began"
        )
