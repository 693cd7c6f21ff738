"""Impact: what was computed from a transform, a version, a data file or a fact; transitively, by recorded inputs.

Not here: restating what is affected; a backfill does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


Seed = tuple[str, date, int]
"""Dataset, partition, version."""


@dataclass(frozen=True, slots=True)
class Affected:
    """The affected partitions of one version.

    `current` of them are still official, within `current_range`; newer versions have replaced the others.
    """

    dataset: str
    version: int
    partitions: int
    range: PartitionRange
    current: int
    current_range: PartitionRange | None
    transform_version: str
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact in silver: the first date that it can change, and the sequence number of its ingest."""

    source: str
    event_id: str
    dirty_from: date
    ingest_seq: int


def of_version(connection: Connection, dataset: str, version: int) -> list[Affected]:
    """What a version published, and everything computed from it.

    Raises:
        ConfigurationError: there is no such version.
    """
    return _closure(
        connection, _seeds(connection, "impact_of_version", dataset=dataset, version=version), f"{dataset} {version}"
    )


def of_transform(connection: Connection, transform_version: str, datasets: Sequence[str]) -> list[Affected]:
    """What a version of a transform published, and everything computed from it.

    Args:
        datasets: those whose contract names the transform.
    """
    parameters = {"transform_version": transform_version, "datasets": list(datasets)}
    found = [_affected_of(row) for row in connection.execute(query(ROOM, "impact_of_transform"), parameters)]
    if not found:
        raise _nothing(f"version {transform_version} of a transform of {', '.join(datasets)}")
    return found


def of_file(connection: Connection, path: str) -> list[Affected]:
    """The partitions that contain a data file, and everything computed from them."""
    return _closure(connection, _seeds(connection, "impact_of_file", path=path), path)


def of_fact(connection: Connection, fact: KnownFact) -> list[Affected]:
    """What was computed with a fact: every partition from the first date that the fact can change.

    Empty for a fact that is held or rejected, or that no version has seen yet.
    """
    named = {"source": fact.source, "event_id": fact.event_id}
    admission = connection.execute(query(ROOM, "impact_admission"), named).fetchone()
    if admission is not None and admission["state"] != "ADMITTED":
        return []
    admitted_seq = fact.ingest_seq if admission is None else admission["admitted_seq"]
    dirty_from = fact.dirty_from if admission is None else admission["dirty_from"]
    seeds = _seeds(connection, "impact_of_fact", dirty_from=dirty_from, admitted_seq=admitted_seq)
    return _affected(connection, seeds)


def _closure(connection: Connection, seeds: list[Seed], what: str) -> list[Affected]:
    if not seeds:
        raise _nothing(what)
    return _affected(connection, seeds)


def _nothing(what: str) -> ConfigurationError:
    return ConfigurationError(f"nothing was published with {what}", remedy="`casegold versions` lists what was")


def _seeds(connection: Connection, statement: str, **parameters: Any) -> list[Seed]:
    rows = connection.execute(query(ROOM, statement), parameters)
    return [(row["dataset"], row["partition_key"], row["version"]) for row in rows]


def _affected(connection: Connection, seeds: Sequence[Seed]) -> list[Affected]:
    rows = connection.execute(
        query(ROOM, "impact"),
        {
            "datasets": [dataset for dataset, _, _ in seeds],
            "partitions": [partition for _, partition, _ in seeds],
            "versions": [version for _, _, version in seeds],
        },
    )
    return [_affected_of(row) for row in rows]


def _affected_of(row: Mapping[str, Any]) -> Affected:
    return Affected(
        dataset=row["dataset"],
        version=row["version"],
        partitions=row["partitions"],
        range=PartitionRange(row["first"], row["last"]),
        current=row["current"],
        current_range=PartitionRange(row["current_first"], row["current_last"]) if row["current"] else None,
        transform_version=row["transform_version"],
        completed_at=row["completed_at"],
    )


def to_restate(affected: Sequence[Affected], roots: Sequence[str]) -> list[tuple[str, PartitionRange]]:
    """What to backfill: the affected official range of each root dataset. Derived datasets follow by themselves."""
    found = []
    for dataset in roots:
        ranges = [each.current_range for each in affected if each.dataset == dataset and each.current_range]
        if ranges:
            found.append((dataset, PartitionRange(min(r.first for r in ranges), max(r.last for r in ranges))))
    return found
