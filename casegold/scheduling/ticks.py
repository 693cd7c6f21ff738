"""One tick for each sensor, independent of any orchestrator: record the attempts that are needed, then return them.

Every tick is level-triggered: it returns all attempts that wait for a launcher, also those it returned before. A crash
between the row and the launch therefore loses nothing. Not here: how attempts are launched (`sensors`,
`scheduling.worker`).
"""

from __future__ import annotations

from collections.abc import Collection

from casegold.control.ingest import commits
from casegold.control.model import Attempt, PartitionRange, Pipeline, RunManifest, RunState
from casegold.control.planning import planner
from casegold.control.runs import attempts, interventions, manifests
from casegold.domain.errors import ConfigurationError, Deferred
from casegold.jobs.day_close import DayCloseReport, close_days
from casegold.jobs.ingest_pipelines import EVENTS, pipeline_of
from casegold.runtime.platform import Platform
from casegold.source.kafka import describe_topic
from casegold.stream.backfill_requests import Heard, hear
from casegold.stream.publish_events import Seen, claim_announcements

ASKED_BY = "casegold"

PLANNED = frozenset({Pipeline.SNAPSHOT, Pipeline.REPORT, Pipeline.REPUBLISH, Pipeline.REPLAY, Pipeline.SHADOW})


def domain_tick(platform: Platform, dataset: str) -> list[Attempt]:
    """Plan the next bounded range of a source topic, and return the waiting attempts of its ingest.

    Reads end offsets only. At most one range of a topic is in flight.

    Args:
        dataset: `silver/case_events` or `bronze/control_totals`; each topic fails by itself.
    """
    _plan_ingest(platform, dataset, ASKED_BY)
    pipelines = {pipeline_of(platform, dataset).pipeline}
    # Admissions claim silver like ingests, and run in the same job.
    return waiting(platform, pipelines | {Pipeline.ADMISSION} if dataset == EVENTS else pipelines)


def ask_ingest(platform: Platform, dataset: str, wanted: PartitionRange | None, asked_by: str) -> Attempt:
    """The attempt to execute when a person launches an ingest: of the range in flight, or else of the next one.

    Raises:
        ConfigurationError: everything is read, or the range in flight has ended and needs a retry.
        Deferred: an attempt at it is running.
    """
    if wanted is not None:
        raise ConfigurationError(f"{dataset} has no partitions", remedy="launch it without")
    manifest = _plan_ingest(platform, dataset, asked_by)
    if manifest is None:
        raise ConfigurationError(f"nothing to ingest into {dataset}: every offset is read")
    if manifest.state is not RunState.OPEN:
        raise ConfigurationError(
            f"run {manifest.run_id[:12]} of the next offsets is {manifest.state}",
            remedy=f"`casegold runs list --dataset {dataset}` shows why; correct the cause, then retry the run",
        )
    with platform.control.write("attempt-request") as connection:
        attempt = attempts.next_attempt(connection, manifest.run_id, asked_by)
    if attempt is None:
        raise Deferred(f"an ingest into {dataset} is under way or was asked for a moment ago")
    return attempt


def _plan_ingest(platform: Platform, dataset: str, asked_by: str) -> RunManifest | None:
    pipeline = pipeline_of(platform, dataset)
    return commits.plan(platform.control, pipeline, describe_topic(platform.kafka_config, pipeline.topic), asked_by)


def day_close_tick(platform: Platform) -> DayCloseReport:
    """Close the dates that can be closed. A recreated topic stops this tick and no other one."""
    return close_days(platform)


def planner_tick(platform: Platform) -> list[Attempt]:
    """Plan, and return the waiting attempts of computed datasets, replays and shadows. Asks Postgres only."""
    planner.plan(platform.control, platform.contracts, platform.transforms, ASKED_BY)
    return waiting(platform, PLANNED)


def publish_events_tick(platform: Platform) -> Seen:
    """Claim new announcements of published versions and, if there are any, plan at once.

    This tick requests no attempts. The planner's tick does: with two requesters, a run would be started twice.
    """
    settings = platform.settings
    topic = f"{settings.outbox_topic_prefix}dataset"
    seen = claim_announcements(platform.control, platform.kafka_config, topic, settings.events_dlq_topic)
    if seen.woke:
        planner.plan(platform.control, platform.contracts, platform.transforms, ASKED_BY)
    return seen


def backfill_requests_tick(platform: Platform) -> Heard:
    """Read new `BackfillRequested` events of other systems; people decide on them."""
    settings = platform.settings
    topic, dead_letters = settings.backfill_requests_topic, settings.events_dlq_topic
    return hear(platform.control, platform.contracts, platform.kafka_config, topic, dead_letters)


def waiting(platform: Platform, pipelines: Collection[Pipeline]) -> list[Attempt]:
    """Record an attempt for each open manifest that may have one now, and return all attempts that have not started."""
    with platform.control.write("attempt-request") as connection:
        for manifest in manifests.open_manifests(connection):
            if manifest.pipeline in pipelines:
                attempts.next_attempt(connection, manifest.run_id, ASKED_BY)
        return [attempt for attempt in attempts.requested_attempts(connection) if attempt.pipeline in pipelines]


def launch_failed(platform: Platform, run_id: str, number: int, reason: str) -> bool:
    """Record that the launcher will never start an attempt; `control.runs.retry` decides what follows.

    Returns:
        False if the attempt no longer waits; then nothing changes.
    """
    with platform.control.write("launch-failed") as connection:
        found = [a for a in attempts.requested_attempts(connection) if (a.run_id, a.attempt) == (run_id, number)]
        return any(attempts.fail_launch(connection, attempt, reason) is not None for attempt in found)


def cancelled(platform: Platform, run_id: str, number: int, person: str, reason: str) -> bool:
    """Record that a person ended an attempt through its launcher: the run is cancelled and not tried again.

    Returns:
        False if the run has ended or was retried since; then nothing changes.
    """
    with platform.control.write("run-cancel") as connection:
        return interventions.cancel_attempt(connection, run_id, number, person, reason)
