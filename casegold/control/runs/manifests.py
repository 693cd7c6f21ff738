"""Manifests: how a bounded piece of work is requested, found and superseded.

Not here: what is due (`planning.planner`), trying to do the work (`attempts`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection, Lock, take_lock
from casegold.control.model import (
    ManifestRequest,
    Mode,
    PartitionRange,
    Pipeline,
    RunManifest,
    RunState,
)
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.runs"


def run_id_of(request: ManifestRequest) -> str:
    """The id of a run: a SHA-256 of the work itself, so the same work has the same id at every request."""
    identity = {
        "pipeline": request.pipeline,
        "dataset": request.dataset,
        "scope": request.scope,
        "transform_version": request.transform_version,
        "mode": request.mode,
        "parameters": request.parameters,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def manifest_of(row: dict[str, Any]) -> RunManifest:
    """A row of run_manifest as a RunManifest."""
    partitions = None if row["partition_from"] is None else PartitionRange(row["partition_from"], row["partition_to"])
    return RunManifest(
        run_id=row["run_id"],
        pipeline=Pipeline(row["pipeline"]),
        dataset=row["dataset"],
        scope=row["scope"],
        transform_version=row["transform_version"],
        mode=Mode(row["mode"]),
        parameters=row["parameters"],
        partitions=partitions,
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        caused_by=tuple(row["caused_by"]),
        state=RunState(row["state"]),
    )


def manifest(connection: Connection, run_id: str) -> RunManifest:
    """The manifest with this id.

    Raises:
        ConfigurationError: there is none.
    """
    found = find(connection, run_id)
    if found is None:
        raise ConfigurationError(f"there is no run {run_id}", remedy="`casegold runs` lists them")
    return found


def find(connection: Connection, run_id: str) -> RunManifest | None:
    """The manifest with this id, or None if nobody has requested it yet."""
    row = connection.execute(query(ROOM, "manifest_get"), {"run_id": run_id}).fetchone()
    return None if row is None else manifest_of(row)


def open_manifests(connection: Connection) -> list[RunManifest]:
    """Manifests that were requested and have not ended, oldest first."""
    return [manifest_of(row) for row in connection.execute(query(ROOM, "manifest_open"))]


def request(connection: Connection, wanted: ManifestRequest) -> RunManifest | None:
    """Request a piece of work; idempotent.

    The request supersedes an open manifest of the same dataset with another scope, unless an attempt of that one is
    running. Normal and backfill manifests supersede each other, since both compute the official partitions. Only
    another republish supersedes a republish.

    Returns:
        The manifest in its current state, or None while another one of the dataset is running or has precedence.
    """
    take_lock(connection, Lock.RUNS)
    run_id = run_id_of(wanted)
    dataset_mode = {
        "dataset": wanted.dataset,
        "pipeline": wanted.pipeline,
        "mode": wanted.mode,
        "run_id": run_id,
    }
    if connection.execute(query(ROOM, "manifest_other_running"), dataset_mode).fetchone() is not None:
        return None
    connection.execute(query(ROOM, "manifest_supersede"), dataset_mode)
    connection.execute(
        query(ROOM, "manifest_insert"),
        dataset_mode
        | {
            "scope": Jsonb(wanted.scope),
            "transform_version": wanted.transform_version,
            "parameters": Jsonb(wanted.parameters),
            "partition_from": wanted.partitions.first if wanted.partitions else None,
            "partition_to": wanted.partitions.last if wanted.partitions else None,
            "requested_by": wanted.requested_by,
            "caused_by": Jsonb(list(wanted.caused_by)),
        },
    )
    return manifest(connection, run_id)


def cancel_of_ended_backfills(connection: Connection) -> None:
    """Close open runs of backfills that were ended, for example by a cancel. A running attempt finds out by itself."""
    connection.execute(query(ROOM, "manifest_cancel_of_backfills"))
