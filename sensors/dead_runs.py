"""The sensor that ends dead runs, which Dagster still shows as running, so that their attempts are retried.

The default launcher cannot detect a dead run process if the code server died with it. Such a run would keep its queue
slot and its dataset forever. Not here: attempts without a heartbeat (`control.runs.attempt_results`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from casegold.control.db import ControlDb
from casegold.control.runs import attempts
from resources.platform import PlatformResource
from resources.runs import LANE_TAG, attempt_of

INTERVAL_SECONDS = 15

WITHOUT_ATTEMPT = timedelta(hours=1)
"""The lease of a run without an attempt: only its events show that it is alive, and a step may log none for long."""


def dead_runs(lease_seconds: int) -> dg.SensorDefinition:
    """The sensor.

    Args:
        lease_seconds: how long a run with an attempt may go without a heartbeat or an event.
    """

    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose process is dead: this frees their queue slot, and their attempt is retried.",
    )
    def sensor(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
        opened = platform.open()
        lease = timedelta(seconds=lease_seconds)
        ended = list(end_dead(context.instance, opened.control, lease, datetime.now(UTC)))
        return dg.SkipReason("; ".join(ended) or "every active run has a recent heartbeat or event")

    return sensor


def end_dead(instance: dg.DagsterInstance, control: ControlDb, lease: timedelta, now: datetime) -> Iterator[str]:
    """End each dead run in Dagster and yield a line for it. The sensor `failed_runs` then reports it to the core.

    This is safe even if the run was only suspended: its attempt has ended, and its claim belongs to another run.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        named = attempt_of(run.tags)
        if named is None and LANE_TAG not in run.tags:
            continue  # a run of another code location
        allowed = WITHOUT_ATTEMPT if named is None else lease
        silent = now - _last_sign(instance, control, run.run_id, named)
        if silent > allowed:
            told = f"no heartbeat or event for {silent.total_seconds():.0f} s: its process is dead"
            instance.report_run_failed(run, message=told)
            yield f"run {run.run_id} ended: {told}"


def _last_sign(
    instance: dg.DagsterInstance, control: ControlDb, run_id: str, named: tuple[str, int] | None
) -> datetime:
    """The time of the run's last event or of its attempt's last heartbeat, whichever is later."""
    (event,) = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    logged = datetime.fromtimestamp(event.timestamp, UTC)
    sign = None if named is None else attempts.last_sign(control, *named)
    return logged if sign is None else max(logged, sign)
