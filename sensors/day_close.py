"""The day-close sensor: closes dates that are over, signalled and in silver. It requests no run.

A sensor of its own: where a source topic is not the one read so far, no date closes, yet closed ones are still planned.
"""

import dagster as dg

from resources.platform import PlatformResource

INTERVAL_SECONDS = 5


@dg.sensor(
    name="day_close",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Closes dates that are over and complete; the sensor `planner` then requests what became due.",
)
def day_close(platform: dg.ResourceParam[PlatformResource]) -> dg.SkipReason:
    """One look: a few questions to Postgres, and end offsets where a date has all its signals."""
    from casegold.scheduling.ticks import day_close_tick  # noqa: PLC0415 - loads Iceberg, definitions do without

    report = day_close_tick(platform.open())
    closed = f"closed {', '.join(map(str, report.closed))}" if report.closed else "nothing to close"
    waits = f"; {report.next_date} waits for {report.waits_for}" if report.next_date else ""
    return dg.SkipReason(closed + waits)
