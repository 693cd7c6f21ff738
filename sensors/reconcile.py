"""The reconcile sensor: a version that a dead run left undecided, and that no living run will settle, is settled.

It asks Postgres one question. The run that it requests is the maintenance, whose first step decides such versions.
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
        description="Has versions settled that a dead run left between prepared and published.",
    )
    def reconcile(platform: dg.ResourceParam[PlatformResource]) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from casegold.operations.reconciliation import undecided  # noqa: PLC0415 - definitions do without

        found = undecided(platform.open())
        # A request an hour for the same versions: one that failed is made again, a slow one is not doubled.
        hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
        if found:
            yield dg.RunRequest(run_key=f"{hour} " + " ".join(f"{dataset}/{version}" for dataset, version in found))
        else:
            yield dg.SkipReason("no version is undecided")

    return reconcile
