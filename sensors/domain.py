"""The domain sensor: new offsets on the topics become bounded ingest runs.

It reads end offsets only, so a tick costs the same for ten events and ten million.
"""

from collections.abc import Iterator

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import AssetJob

INTERVAL_SECONDS = 5


def domain_sensor(targets: list[AssetJob]) -> dg.SensorDefinition:
    """The sensor over the ingest jobs."""

    @dg.sensor(
        name="domain_events",
        jobs=targets,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests an ingest of every bounded range of new offsets, one in flight per topic.",
    )
    def domain_events(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]
    ) -> Iterator[dg.RunRequest]:
        from casegold.runtime.ticks import domain_tick  # noqa: PLC0415 - loads Iceberg, definitions do without
        from sensors.launches import requests  # noqa: PLC0415

        core = platform.open()
        yield from requests(context.instance, core, domain_tick(core))

    return domain_events
