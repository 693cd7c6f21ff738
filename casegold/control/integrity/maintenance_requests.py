"""Maintenance in the control database: asking for it, and which attempts' stages are of no more use.

Not here: what is done to a table (`sink.maintenance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from casegold.control.changes import shadows
from casegold.control.db import Connection
from casegold.control.model import ManifestRequest, Pipeline, RunManifest
from casegold.control.runs import store
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"

KEEP_REFUSED = timedelta(days=14)
"""How long a stage that did not pass its gate stays readable."""


def request(
    connection: Connection, dataset: str, heads: Mapping[str, int], today: date, requested_by: str
) -> RunManifest | None:
    """Ask for the maintenance of the tables under a claim: once a day for one state of them.

    Args:
        dataset: the claim.
        heads: snapshot id of each table that is written under it, and the number of an undecided version.

    Returns:
        The manifest, or None while other work on the dataset is open: asking would supersede it.
    """
    if any(
        each.dataset == dataset and each.pipeline is not Pipeline.MAINTENANCE
        for each in store.open_manifests(connection)
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
    return store.request(connection, wanted)


def ended_attempts(connection: Connection, dataset: str) -> list[tuple[str, int]]:
    """Run id and number of the attempts at a dataset whose stages nobody needs any more."""
    parameters = {"dataset": dataset, "keep_refused": KEEP_REFUSED, "shadows_kept": shadows.KEPT}
    rows = connection.execute(query(ROOM, "maintenance_ended"), parameters)
    return [(row["run_id"], row["attempt"]) for row in rows]


def named_files(connection: Connection, dataset: str) -> set[str]:
    """Locations of the data files and artifacts of every version of a dataset that is official or may become so."""
    rows = connection.execute(
        query(ROOM, "maintenance_named_files"), {"dataset": dataset, "shadows_kept": shadows.KEPT}
    )
    return {row["location"] for row in rows}


def official_snapshots(connection: Connection, dataset: str) -> dict[int, int]:
    """Snapshot id of every version of a dataset that was ever official."""
    rows = connection.execute(query(ROOM, "version_snapshots"), {"dataset": dataset})
    return {row["version"]: row["snapshot_id"] for row in rows}
