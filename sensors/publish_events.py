"""The publish-event sensor: claims announcements of published versions and wakes the planner.

It requests no run itself: the planner records what is due, and the planner sensor requests it. A lost, duplicate or
reordered announcement can only delay a result, never make it wrong.
"""

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 5


@dg.sensor(
    name="publish_events",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Claims DatasetVersionPublished events in the trigger ledger and wakes the planner.",
)
def publish_events(platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
    """One tick: a bounded number of events."""
    from casegold.scheduling.ticks import publish_events_tick  # noqa: PLC0415 - loads Iceberg

    seen = publish_events_tick(platform.open())
    return dg.SkipReason(
        f"{seen.woke} events woke the planner, {seen.duplicates} duplicates, {seen.ignored} ignored, "
        f"{seen.undecodable} undecodable; the sensor `planner` requests the runs"
    )
