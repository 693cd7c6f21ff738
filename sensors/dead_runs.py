"""Runs that Dagster takes for running while nobody is there any more: ended, so that their attempt is asked for again.

The default launcher cannot tell that a run's process is gone where the code server died with it: such a run would keep
its place in the queue, and its dataset, for ever. Not here: attempts without a heartbeat
(`control.runs.attempt_results`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from casegold.control.db import ControlDb
from casegold.control.runs import store
from resources.platform import PlatformResource
from resources.runs import LANE_TAG, attempt_of

INTERVAL_SECONDS = 15

WITHOUT_ATTEMPT = timedelta(hours=1)
"""The lease of a run that works under no attempt: its events are its only signs, and a step may have none for long."""


def dead_runs(lease_seconds: int) -> dg.SensorDefinition:
    """The sensor.

    Args:
        lease_seconds: how long a run with an attempt may give no sign of life.
    """

    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose process is gone: their place is free, and their attempt is asked for again.",
    )
    def sensor(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
        opened = platform.open()
        lease = timedelta(seconds=lease_seconds)
        ended = list(end_dead(context.instance, opened.control, lease, datetime.now(UTC)))
        return dg.SkipReason("; ".join(ended) or "every run that works gave a sign of life")

    return sensor


def end_dead(instance: dg.DagsterInstance, control: ControlDb, lease: timedelta, now: datetime) -> Iterator[str]:
    """End each dead run in Dagster; a line for each. The sensor `failed_runs` then tells the core.

    Nothing is lost where a run that was taken for dead only slept: its attempt is over, and its claim another's.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        named = attempt_of(run.tags)
        if named is None and LANE_TAG not in run.tags:
            continue  # another code location's
        allowed = WITHOUT_ATTEMPT if named is None else lease
        silent = now - _last_sign(instance, control, run.run_id, named)
        if silent > allowed:
            told = f"no sign of life for {silent.total_seconds():.0f} s: its process is gone"
            instance.report_run_failed(run, message=told)
            yield f"run {run.run_id} ended: {told}"


def _last_sign(
    instance: dg.DagsterInstance, control: ControlDb, run_id: str, named: tuple[str, int] | None
) -> datetime:
    """The later of the run's last event and its attempt's last sign."""
    (event,) = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    logged = datetime.fromtimestamp(event.timestamp, UTC)
    sign = None if named is None else store.last_sign(control, *named)
    return logged if sign is None else max(logged, sign)
