"""Verifications: which official partitions to verify, what is recorded of them, and the ledger of results.

Not here: recomputing them (`jobs.verification`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.control.versions.model import VersionPartition
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"


class Found(StrEnum):
    """How a verification ended."""

    VERIFIED = "VERIFIED"
    DIFFERENT = "DIFFERENT"
    UNVERIFIABLE = "UNVERIFIABLE"
    """It cannot be recomputed: another release's rules made it, or an input is gone. Neither pass nor failure."""


@dataclass(frozen=True, slots=True)
class Official:
    """An official partition and the run that computed it; for a republished version, the run of the original one."""

    partition: date
    version: int
    state: VersionPartition
    """Row count and digest from `partition_state`."""
    published: VersionPartition
    """Row count and digest from `version_partition`."""
    run_id: str
    transform_version: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result for one partition. Digests are text; None where nothing could be read or computed."""

    dataset: str
    partition: date
    version: int
    rows: int
    outcome: Found
    reason: str
    recorded: str
    stored: str | None
    computed: str | None
    transform_version: str


def official(connection: Connection, dataset: str, within: PartitionRange) -> list[Official]:
    """The official partitions of a range, ascending."""
    parameters = {"dataset": dataset, "first": within.first, "last": within.last}
    return [
        Official(
            row["partition_key"],
            row["version"],
            VersionPartition(row["partition_key"], row["row_count"], int(row["digest_high"]), int(row["digest_low"])),
            VersionPartition(
                row["partition_key"], row["version_rows"], int(row["version_high"]), int(row["version_low"])
            ),
            row["run_id"],
            row["transform_version"],
        )
        for row in connection.execute(query(ROOM, "verification_official"), parameters)
    ]


def oldest(connection: Connection, dataset: str, size: int) -> list[date]:
    """At most `size` official partitions: first those never verified in their version, then the longest ago."""
    rows: Sequence[dict[str, date]] = connection.execute(
        query(ROOM, "verification_oldest"), {"dataset": dataset, "size": size}
    ).fetchall()
    return [row["partition_key"] for row in rows]


def record(connection: Connection, found: Verification, asked_by: str) -> None:
    """Record a result. Every verification is a row of its own; the last one counts."""
    connection.execute(query(ROOM, "verification_insert"), asdict(found) | {"asked_by": asked_by})
