"""Maintenance in the control database: requesting it, and which files and stages it must keep.

Not here: what is done to a table (`sink.maintenance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from casegold.control.changes import shadows
from casegold.control.db import Connection
from casegold.control.model import ManifestRequest, Pipeline, RunManifest
from casegold.control.runs import manifests
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"

KEEP_REFUSED = timedelta(days=14)
"""How long a stage stays readable after its gate closed."""


def request(
    connection: Connection, dataset: str, heads: Mapping[str, int], today: date, requested_by: str
) -> RunManifest | None:
    """Request the maintenance of all tables under a claim, once a day for each state of the tables.

    Args:
        dataset: the claim's name.
        heads: snapshot id of each table written under the claim, and the number of an undecided version.

    Returns:
        The manifest, or None while other work on the dataset is open: a request would supersede it.
    """
    if any(
        each.dataset == dataset and each.pipeline is not Pipeline.MAINTENANCE
        for each in manifests.open_manifests(connection)
    ):
        return None
    wanted = ManifestRequest(
        pipeline=Pipeline.MAINTENANCE,
        dataset=dataset,
        scope={"snapshots": dict(heads), "date": today.isoformat()},
        transform_version="2",
        requested_by=requested_by,
        parameters={"task": "maintenance"},
    )
    return manifests.request(connection, wanted)


def ended_attempts(connection: Connection, dataset: str) -> list[tuple[str, int]]:
    """Run id and attempt number of every attempt whose stage is no longer needed."""
    parameters = {"dataset": dataset, "keep_refused": KEEP_REFUSED, "shadows_kept": shadows.KEPT}
    rows = connection.execute(query(ROOM, "maintenance_ended"), parameters)
    return [(row["run_id"], row["attempt"]) for row in rows]


def named_files(connection: Connection, dataset: str) -> set[str]:
    """Locations of all data files and artifacts of versions that are official or may become official."""
    rows = connection.execute(
        query(ROOM, "maintenance_named_files"), {"dataset": dataset, "shadows_kept": shadows.KEPT}
    )
    return {row["location"] for row in rows}


def official_snapshots(connection: Connection, dataset: str) -> dict[int, int]:
    """The snapshot id of every version that is or was official, by version number."""
    rows = connection.execute(query(ROOM, "version_snapshots"), {"dataset": dataset})
    return {row["version"]: row["snapshot_id"] for row in rows}
