"""Run requests for attempts, and reports to the core about Dagster runs that ended before their attempt began.

The core then retries, gives up, or cancels. Not here: runs whose attempt began and was not cancelled; those record
their own result.
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
    """A request for each attempt that has not started, even if it was requested before: this repeats lost requests.

    If the run of an attempt ended without starting it, the attempt would never start: Dagster finds its run key and
    does nothing. Such a run is reported to the core instead. At most one attempt per dataset waits, so this needs only
    a handful of Dagster queries.
    """
    for attempt in attempts:
        ended = instance.get_runs(
            dg.RunsFilter(tags={RUN_ID_TAG: attempt.run_id, ATTEMPT_TAG: str(attempt.attempt)}, statuses=ENDED),
            limit=1,
        )
        if ended:
            report_end(platform, ended[0])
        else:
            with durable("run-request"):
                yield run_request(attempt)


def report_end(platform: Platform, run: dg.DagsterRun) -> None:
    """Report a run that ended to the core, which ignores known reports and attempts that recorded their own result.

    Dagster cancels a run only on a person's request, so this cancels the manifest, too.
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
