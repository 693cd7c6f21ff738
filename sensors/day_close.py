"""The day-close sensor: closes dates that have ended, have all signals and are complete in silver. It requests no run.

A separate sensor: if a source topic has a new epoch, no date closes, but the planner still works on closed dates.
"""

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 5


@dg.sensor(
    name="day_close",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Closes dates that have ended and are complete; the sensor `planner` then requests the runs now due.",
)
def day_close(platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
    """One tick: a few PostgreSQL queries, and end offsets if a date has all its signals."""
    from casegold.scheduling.ticks import day_close_tick  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    report = day_close_tick(platform.open())
    closed = f"closed {', '.join(map(str, report.closed))}" if report.closed else "nothing to close"
    waits = f"; {report.next_date} waits for {report.waits_for}" if report.next_date else ""
    return dg.SkipReason(closed + waits)
