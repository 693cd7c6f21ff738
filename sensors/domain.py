"""The domain sensors: they request bounded ingest runs for new offsets on a source topic.

They read only end offsets, so a tick costs the same for ten events and for ten million.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from resources.platform import PlatformResource
from resources.runs import AssetJob

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

INTERVAL_SECONDS = 5


def domain_sensor(
    name: str, dataset: str, target: AssetJob, observed: dg.AssetKey | None = None
) -> dg.SensorDefinition:
    """The sensor of one source topic; a problem with one topic does not stop the other.

    Args:
        observed: the external asset of the topic; the sensor records one observation per requested run.
    """

    @dg.sensor(
        name=name,
        job=target,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Requests runs that ingest new offsets into {dataset}, one bounded range at a time.",
    )
    def domain(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[PlatformResource]) -> dg.SensorResult:
        from casegold.scheduling.ticks import domain_tick  # noqa: PLC0415 - loads Iceberg, which definitions do not need
        from sensors.launches import requests  # noqa: PLC0415

        core = platform.open()
        wanted = list(requests(context.instance, core, domain_tick(core, dataset)))
        if observed is None or not wanted:
            return dg.SensorResult(run_requests=wanted)
        return _observed(core, dataset, observed, wanted, context.cursor)

    return domain


def _observed(
    platform: "Platform", dataset: str, key: dg.AssetKey, wanted: Sequence[dg.RunRequest], cursor: str | None
) -> dg.SensorResult:
    """The requests, with an observation of the topic unless an earlier tick recorded one for the same run."""
    from casegold.operations.standing_checks import look_at_topic  # noqa: PLC0415 - loads Kafka
    from sensors.observations import Mark, observation  # noqa: PLC0415

    last = Mark.of_cursor(cursor)
    run_key = str(wanted[-1].run_key)
    if last is not None and last.run_key == run_key:
        return dg.SensorResult(run_requests=wanted)
    look = look_at_topic(platform, dataset)
    now = Mark(run_key, sum(place.end for place in look.places), datetime.now(UTC).timestamp())
    return dg.SensorResult(
        run_requests=wanted, asset_events=[observation(key, look, last, now)], cursor=now.as_cursor()
    )
