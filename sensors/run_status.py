"""Run-status sensors: a Dagster run that failed before its attempt began, or that was cancelled, is told to the core.

Not here: runs whose attempt began and failed; those record their own end, or their heartbeat stops.
"""

from collections.abc import Sequence

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import AssetJob


def failed_runs_sensor(products: Sequence[AssetJob]) -> dg.SensorDefinition:
    """The sensor over failed runs; it requests runs of these jobs, to tell Dagster what a dead run could not."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="failed_runs",
        request_jobs=products,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records attempts whose run failed before it began them; tells Dagster of work whose run died.",
    )
    def failed_runs(
        context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]
    ) -> dg.RunRequest | None:
        from sensors.untold import telling  # noqa: PLC0415 - loads Postgres, definitions do without

        record(platform, context.dagster_run)
        return telling(platform.open().control, context.dagster_run, {job.name for job in products})

    return failed_runs


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
