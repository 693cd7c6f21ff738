"""One look at the world for each sensor, free of any orchestrator: what is due is written down, then returned.

Every tick is level-triggered: it returns all attempts that wait for a launcher, also those returned before, so that a
crash between the row and the launch loses nothing. Not here: how attempts are launched (sensors, `launchers`).
"""

from __future__ import annotations

from collections.abc import Collection

from casegold.domain.sql import load
from casegold.manifest import planner, store
from casegold.manifest.model import Attempt, Pipeline, RunState
from casegold.runtime.jobs.day_close import close_days
from casegold.runtime.platform import Platform
from casegold.stream.publish_events import Seen, claim_announcements
from casegold.transform import version as transforms

SQL = "casegold.manifest.sql"
ASKED_BY = "casegold"

INGESTS = frozenset({Pipeline.INGEST, Pipeline.TOTALS})
COMPUTATIONS = frozenset({Pipeline.SNAPSHOT, Pipeline.REPORT})


def planner_tick(platform: Platform) -> list[Attempt]:
    """Close the days that can be closed, plan, and return the waiting attempts of computed datasets."""
    close_days(platform)
    planner.plan(platform.control, platform.contracts, transforms.versions(), ASKED_BY)
    return waiting(platform, COMPUTATIONS)


def publish_events_tick(platform: Platform) -> Seen:
    """Claim new announcements of published versions and, where there are any, plan at once.

    Runs that become due are requested by whoever looks for waiting attempts: two requesters would start a run twice.
    """
    settings = platform.settings
    topic = f"{settings.outbox_topic_prefix}dataset"
    seen = claim_announcements(platform.control, platform.kafka_config, topic, settings.events_dlq_topic)
    if seen.woke:
        planner.plan(platform.control, platform.contracts, transforms.versions(), ASKED_BY)
    return seen


def waiting(platform: Platform, pipelines: Collection[Pipeline]) -> list[Attempt]:
    """Write an attempt for each open manifest that may have one now, and return all that have not started."""
    with platform.control.transaction() as connection:
        for manifest in store.open_manifests(connection):
            if manifest.pipeline in pipelines:
                store.next_attempt(connection, manifest.run_id, ASKED_BY)
        return [attempt for attempt in store.requested_attempts(connection) if attempt.pipeline in pipelines]


def launch_failed(platform: Platform, run_id: str, number: int, reason: str) -> bool:
    """Record that an attempt will never be started by its launcher; the next one is asked for after a pause.

    After `store.MAX_ATTEMPTS` the manifest fails: a launcher that never starts anything needs a person.

    Returns:
        False where the attempt is not waiting any more; then nothing changes.
    """
    with platform.control.transaction() as connection:
        found = [a for a in store.requested_attempts(connection) if (a.run_id, a.attempt) == (run_id, number)]
        for attempt in found:
            store.fail_launch(connection, attempt, reason)
            pause = {"run_id": run_id, "attempt": number, "seconds": store.backoff_seconds(number)}
            connection.execute(load(SQL, "attempt_launch_backoff"), pause)
            if number >= store.MAX_ATTEMPTS:
                store.end_manifest(connection, run_id, RunState.FAILED, {"error": reason})
        return bool(found)
