"""Run-status sensors: a Dagster run that failed or was cancelled before its attempt began is told to the core.

Not here: runs whose attempt began; those record their own end, or their heartbeat stops.
"""

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import attempt_of


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    name="failed_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records attempts whose run failed before it began them.",
)
def failed_runs(context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """One failed run."""
    record(platform, context.dagster_run)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    name="cancelled_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records attempts whose run was cancelled before it began them.",
)
def cancelled_runs(context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """One cancelled run."""
    record(platform, context.dagster_run)


def record(platform: PlatformResource, run: dg.DagsterRun) -> None:
    """Tell the core, which ignores attempts that began."""
    from casegold.runtime.ticks import launch_failed  # noqa: PLC0415 - loads Iceberg, definitions do without
    from sensors.launches import why  # noqa: PLC0415

    attempt = attempt_of(run.tags)
    if attempt is not None:
        launch_failed(platform.open(), *attempt, why(run))
