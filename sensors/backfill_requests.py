"""The sensor of backfill requests: other systems ask on Kafka, people decide, nothing runs before they have."""

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 15


@dg.sensor(
    name="backfill_requests",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns BackfillRequested events of other systems into requests that people plan and approve.",
)
def backfill_requests(platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
    """One tick: a bounded number of events."""
    from casegold.scheduling.ticks import backfill_requests_tick  # noqa: PLC0415 - loads Iceberg, definitions do without

    heard = backfill_requests_tick(platform.open())
    return dg.SkipReason(
        f"{heard.asked} requests for people, {heard.covered} covered by open ones, {heard.duplicates} seen before, "
        f"{heard.refused} set aside; `casegold backfill list` shows what waits"
    )
