"""The planner sensor: asks the planner, and requests a run for every attempt that waits.

It alone requests runs of computed datasets: Dagster deduplicates run keys per sensor.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from casegold.control.model import Attempt, Mode
from casegold.domain.errors import ConfigurationError
from resources.platform import PlatformResource
from resources.runs import AssetJob

INTERVAL_SECONDS = 5


def planner_sensor(targets: Sequence[AssetJob | dg.JobDefinition], last_date: date | None) -> dg.SensorDefinition:
    """The sensor over the jobs of computed datasets, of replays and of shadows.

    Args:
        last_date: with which the partitions of these definitions end, under a fixed business clock.
    """

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
        from casegold.scheduling.ticks import planner_tick  # noqa: PLC0415 - loads Iceberg, definitions do without
        from sensors.launches import requests  # noqa: PLC0415

        core = platform.open()
        yield from requests(context.instance, core, _with_partitions(planner_tick(core), last_date))

    return planner


def _with_partitions(attempts: Iterable[Attempt], last_date: date | None) -> Iterator[Attempt]:
    """The attempts, as long as Dagster knows their partitions: it would refuse the run with an error of its own."""
    for attempt in attempts:
        ends = attempt.partitions.last if attempt.partitions and attempt.mode is not Mode.SHADOW else None
        if last_date is not None and ends is not None and ends > last_date:
            raise ConfigurationError(
                f"{attempt.dataset} {ends} is due, these definitions end with {last_date}: the business clock was moved"
                " after they were loaded",
                remedy="`Reload` on the Deployment page of Dagster's UI, or start `casegold dev` anew",
            )
        yield attempt
