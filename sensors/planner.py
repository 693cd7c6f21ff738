"""The planner sensor: runs the planner and requests a run for every waiting attempt.

Only this sensor requests runs of computed datasets, because Dagster deduplicates run keys per sensor.
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
        last_date: the last date of the partitions in these definitions, under a fixed business clock.
    """

    @dg.sensor(
        name="planner",
        jobs=targets,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the runs that the planner finds due, and runs that people approved.",
    )
    def planner(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]
    ) -> Iterator[dg.RunRequest]:
        from casegold.scheduling.ticks import planner_tick  # noqa: PLC0415 - loads Iceberg
        from sensors.launches import requests  # noqa: PLC0415

        core = platform.open()
        yield from requests(context.instance, core, _with_partitions(planner_tick(core), last_date))

    return planner


def _with_partitions(attempts: Iterable[Attempt], last_date: date | None) -> Iterator[Attempt]:
    """The attempts. Raises ConfigurationError for partitions that Dagster does not know, as it would refuse the run."""
    for attempt in attempts:
        ends = attempt.partitions.last if attempt.partitions and attempt.mode is not Mode.SHADOW else None
        if last_date is not None and ends is not None and ends > last_date:
            raise ConfigurationError(
                f"{attempt.dataset} {ends} is due, but these definitions end with {last_date}: the business clock was"
                " moved after they were loaded",
                remedy="use `Reload` on the Deployment page of Dagster's UI, or restart `casegold dev`",
            )
        yield attempt
