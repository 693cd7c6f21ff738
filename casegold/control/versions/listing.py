"""Versions and their files as lists for people. A `limit` of None means all.

Not here: anything that a run depends on.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.domain.contract import Contracts
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"
Row = dict[str, Any]


def versions(control: ControlDb, dataset: str | None, limit: int | None) -> list[Row]:
    """Versions, newest first for each dataset, with the number of partitions and rows that each changed."""
    return control.rows(query(ROOM, "list_versions"), {"dataset": dataset, "limit": limit})


def holds(control: ControlDb, limit: int | None, *, released_too: bool = False) -> list[Row]:
    """Holds, newest first; by default the open ones."""
    return control.rows(query(ROOM, "list_holds"), {"all": released_too, "limit": limit})


def partition_versions(control: ControlDb, dataset: str, partition: date, limit: int | None) -> list[Row]:
    """The versions of a partition, newest first, and the time for which each was official."""
    parameters = {"dataset": dataset, "partition": partition, "limit": limit}
    return control.rows(query(ROOM, "list_partition_versions"), parameters)


def undescribed(connection: Connection, contracts: Contracts) -> list[Row]:
    """Datasets with official figures that no contract describes, with their number of partitions and the last one."""
    described = [contract.dataset for contract in contracts]
    return connection.execute(query(ROOM, "undescribed_datasets"), {"described": described}).fetchall()


def partition_as_of(
    connection: Connection, dataset: str, partition: date, version: int | None, known_at: datetime | None = None
) -> Row:
    """The version of a partition as of a version number, or as of an instant; with neither, the newest.

    Raises:
        ConfigurationError: the partition was never published by then.
    """
    parameters = {"dataset": dataset, "partition": partition, "version": version, "known_at": known_at}
    row = connection.execute(query(ROOM, "version_of_partition"), parameters).fetchone()
    if row is None:
        asked = f"as of version {version}" if version is not None else f"by {known_at}" if known_at else "so far"
        raise ConfigurationError(
            f"{dataset} {partition} was not published {asked}",
            remedy=f"`casegold versions {dataset} --partition {partition}` lists what was; `casegold plan` what is due",
        )
    return row


def files(connection: Connection, dataset: str, version: int, partition: date) -> list[Row]:
    """The recorded files of a partition in the version that changed it."""
    parameters = {"dataset": dataset, "version": version, "partition": partition}
    return connection.execute(query(ROOM, "files_of_partition"), parameters).fetchall()
