"""The sensor for backfill requests: other systems request on Kafka, and nothing runs before people approve."""

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 15


@dg.sensor(
    name="backfill_requests",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns BackfillRequested events from other systems into requests that people plan and approve.",
)
def backfill_requests(platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
    """One tick: a bounded number of events."""
    from casegold.scheduling.ticks import backfill_requests_tick  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    heard = backfill_requests_tick(platform.open())
    return dg.SkipReason(
        f"{heard.asked} new requests, {heard.covered} covered by open ones, {heard.duplicates} duplicates, "
        f"{heard.refused} set aside; `casegold backfill list` shows the open ones"
    )
