"""The planner sensor: asks the planner, and requests a run for every attempt that waits.

It alone requests runs of computed datasets: Dagster deduplicates run keys per sensor.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import AssetJob

INTERVAL_SECONDS = 5


def planner_sensor(targets: Sequence[AssetJob | dg.JobDefinition]) -> dg.SensorDefinition:
    """The sensor over the jobs of computed datasets, of replays and of shadows."""

    @dg.sensor(
        name="planner",
        jobs=targets,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests what the planner finds due among published and closed dates, and what was approved.",
    )
    def planner(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]
    ) -> Iterator[dg.RunRequest]:
        from casegold.runtime.ticks import planner_tick  # noqa: PLC0415 - loads Iceberg, definitions do without
        from sensors.launches import requests  # noqa: PLC0415

        core = platform.open()
        yield from requests(context.instance, core, planner_tick(core))

    return planner
