"""The reconcile sensor: it has undecided versions of dead runs settled, which no active run will settle.

A tick is one PostgreSQL query. The sensor requests a maintenance run, whose first step settles such versions.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 60


def reconcile_sensor(maintenance: dg.JobDefinition) -> dg.SensorDefinition:
    """The sensor over the maintenance job."""

    @dg.sensor(
        name="reconcile",
        job=maintenance,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a maintenance run for versions that a dead run left between prepared and published.",
    )
    def reconcile(platform: dg.ResourceParam[PlatformResource]) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from casegold.operations.reconciliation import undecided  # noqa: PLC0415 - definitions do not need it

        found = undecided(platform.open())
        # One request per hour for the same versions: a failed run is retried, a slow one is not duplicated.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        if found:
            yield dg.RunRequest(run_key=f"{hour} " + " ".join(f"{dataset}/{version}" for dataset, version in found))
        else:
            yield dg.SkipReason("no version is undecided")

    return reconcile
