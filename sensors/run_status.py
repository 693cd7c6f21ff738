"""Run-status sensors: a Dagster run that failed before its attempt began, or that was cancelled, is told to the core.

Not here: runs whose attempt began and failed; those record their own end, or their heartbeat stops.
"""

import dagster as dg

from resources.platform import PlatformResource


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
    description="Records a run that somebody terminated as cancelled.",
)
def cancelled_runs(context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """One cancelled run."""
    record(platform, context.dagster_run)


def record(platform: PlatformResource, run: dg.DagsterRun) -> None:
    """Tell the core."""
    from sensors.launches import tell  # noqa: PLC0415 - loads Iceberg, definitions do without

    tell(platform.open(), run)
