"""Run-status sensors: they report runs that failed before their attempt began, or that were cancelled, to the core.

Not here: runs whose attempt began and failed; those record their own result, or their heartbeat stops.
"""

from collections.abc import Sequence

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import AssetJob


def failed_runs_sensor(products: Sequence[AssetJob]) -> dg.SensorDefinition:
    """The sensor over failed runs. It requests runs of these jobs, to record in Dagster what a dead run could not."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="failed_runs",
        request_jobs=products,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records attempts whose run failed before they began. Shows finished work of dead runs in Dagster.",
    )
    def failed_runs(
        context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]
    ) -> dg.RunRequest | None:
        from sensors.untold import catch_up_request  # noqa: PLC0415 - loads PostgreSQL, which definitions do not need

        record(platform, context.dagster_run)
        return catch_up_request(platform.open().control, context.dagster_run, {job.name for job in products})

    return failed_runs


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    name="cancelled_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records terminated runs as cancelled.",
)
def cancelled_runs(context: dg.RunStatusSensorContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """One cancelled run."""
    record(platform, context.dagster_run)


def record(platform: PlatformResource, run: dg.DagsterRun) -> None:
    """Report the run to the core."""
    from sensors.launches import report_end  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    report_end(platform.open(), run)
