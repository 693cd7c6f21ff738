"""Chunks that an open run has staged: the next attempt stages only the rest.

A run's scope determines its rows, so the next attempt can use the chunks of an earlier one. Not here: the files
themselves (`sink.staging`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.control.model import Claim, PartitionRange
from casegold.control.runs import claims
from casegold.control.versions.model import VersionFile
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """Consecutive partitions, all of their files, and the figures that their pages show."""

    partitions: PartitionRange
    files: tuple[VersionFile, ...]
    figures: Mapping[date, Mapping[str, Any]]


def chunks(connection: Connection, run_id: str) -> dict[PartitionRange, StagedChunk]:
    """The chunks that earlier attempts of a run staged, by range."""
    found = [_chunk(row) for row in connection.execute(query(ROOM, "staged_get"), {"run_id": run_id})]
    return {chunk.partitions: chunk for chunk in found}


def record(connection: Connection, claim: Claim, chunk: StagedChunk) -> None:
    """Record a completely written chunk for the run. The database deletes the record when the run ends.

    Raises:
        Deferred: the claim was taken over.
    """
    claims.assert_claim(connection, claim)
    parameters = {
        "run_id": claim.run_id,
        "attempt": claim.attempt,
        "first": chunk.partitions.first,
        "last": chunk.partitions.last,
        "files": Jsonb([asdict(file) | {"partition": file.partition.isoformat()} for file in chunk.files]),
        "figures": Jsonb({key.isoformat(): dict(figures) for key, figures in chunk.figures.items()}),
    }
    connection.execute(query(ROOM, "staged_insert"), parameters)


def _chunk(row: Mapping[str, Any]) -> StagedChunk:
    return StagedChunk(
        PartitionRange(row["first_key"], row["last_key"]),
        tuple(VersionFile(**each | {"partition": date.fromisoformat(each["partition"])}) for each in row["files"]),
        {date.fromisoformat(key): figures for key, figures in row["figures"].items()},
    )
