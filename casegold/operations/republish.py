"""Makes an older version official again for a person, and releases it later.

Not here: the run that does it (`jobs.republish`), and comparing two versions (`jobs.difference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from casegold.control.db import Connection
from casegold.control.model import Attempt, ManifestRequest, PartitionRange, Pipeline, RunState
from casegold.control.runs import attempts, interventions, manifests
from casegold.control.versions import official_state, pins, version_record
from casegold.control.versions.model import short_id
from casegold.control.versions.version_record import RecordedVersion
from casegold.domain.errors import Deferred
from casegold.jobs.launch import launch
from casegold.runtime.platform import Platform

LAUNCHER = "casegold republish"


@dataclass(frozen=True, slots=True)
class Republished:
    """The version that has the wanted partitions now; `anew` is False if they had been republished before."""

    version: int
    partitions: tuple[date, ...]
    anew: bool


def republish(platform: Platform, dataset: str, version: int, wanted: Sequence[date], reason: str) -> Republished:
    """Make the partitions that a version changed, or some of them, official again, and pin them.

    Raises:
        ConfigurationError: there is no such version, it did not change a wanted partition, or a file of it is missing.
        Deferred: a run of the dataset is open.
    """
    with platform.control.write("republish-ask") as connection:
        old = version_record.version(connection, dataset, version, wanted)
        done = version_record.republished_as(connection, old)
        attempt = None if done is not None else _ask(connection, old, reason)
    if done is not None:
        return Republished(done, tuple(old.keys), anew=False)
    if attempt is None:
        raise Deferred(
            f"a run of {dataset} is under way: ask again once it ended",
            remedy=f"`casegold runs list --dataset {dataset}` shows it",
        )
    made = launch(platform, attempt.run_id, attempt.attempt, LAUNCHER).version
    if made is None:  # the process published the version and died before it reported which
        with platform.control.read() as connection:
            made = version_record.republished_as(connection, old)
    if made is None:
        raise Deferred(f"{dataset} was released or replaced since; `casegold versions {dataset}` shows it")
    return Republished(made, tuple(old.keys), anew=True)


def _ask(connection: Connection, old: RecordedVersion, reason: str) -> Attempt | None:
    """The attempt to execute, also one whose requester died before it began; None while another run is open."""
    person = connection.info.user
    states = official_state.partition_states(connection, old.dataset, old.keys[0], old.keys[-1])
    wanted = ManifestRequest(
        pipeline=Pipeline.REPUBLISH,
        dataset=old.dataset,
        scope={
            "version": old.version,
            "partitions": [key.isoformat() for key in old.keys],
            # The versions to replace: the same request after a release is another run.
            "replaces": [states[key].version for key in old.keys],
        },
        transform_version=old.transform_version,
        requested_by=person,
        parameters={"reason": reason},
        partitions=PartitionRange(old.keys[0], old.keys[-1]),
        caused_by=(f"{short_id(old.dataset, old.version)} again by {person}: {reason}",),
    )
    manifest = manifests.request(connection, wanted)
    if manifest is None:
        return None
    if manifest.state is not RunState.OPEN:
        manifest = interventions.retry(connection, manifest.run_id, person, reason)
    asked = (each for each in attempts.requested_attempts(connection) if each.run_id == manifest.run_id)
    return attempts.next_attempt(connection, manifest.run_id, person) or next(asked, None)


def release(platform: Platform, dataset: str, partition: date | None, reason: str) -> list[date]:
    """Unpin one partition of a dataset, or all of them. The planner then restates them.

    Raises:
        ConfigurationError: nothing of it is pinned.
    """
    with platform.control.write("pin-release") as connection:
        return pins.release(connection, dataset, partition, connection.info.user, reason)
