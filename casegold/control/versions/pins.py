"""Pins: partitions whose version a person made official again, which the planner leaves alone until they are released.

`partition_state.pinned` is the pin; an open PINNED hold tells of each range of them. Not here: making a version
official again (`recorded`, `jobs.republish`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"

PLATFORM = "casegold"


@dataclass(frozen=True, slots=True)
class Pin:
    """The first partition of a dataset that is pinned, and why."""

    first: date
    reason: str


def first_pin(connection: Connection, dataset: str) -> Pin | None:
    """The earliest pin of a dataset, or None where nothing of it is pinned."""
    row = connection.execute(query(ROOM, "pin_first"), {"dataset": dataset}).fetchone()
    return None if row is None else Pin(row["first"], row["reason"])


def first_unpinned(connection: Connection, dataset: str, first: date) -> date | None:
    """The first closed date from `first` on that is not pinned."""
    row = connection.execute(query(ROOM, "pin_unpinned_from"), {"dataset": dataset, "first": first}).fetchone()
    return None if row is None else row["first"]


def scope_of_released(connection: Connection, dataset: str, within: PartitionRange) -> dict[str, list[int]]:
    """What a run over a range pins besides its inputs: the versions that were released there; nothing without any.

    What it is made of may be what a run before the pin was made of, and yet it is another run.
    """
    parameters = {"dataset": dataset, "first": within.first, "last": within.last}
    found = [row["current_version"] for row in connection.execute(query(ROOM, "pin_released"), parameters)]
    return {"released": found} if found else {}


def settle(connection: Connection, dataset: str, person: str, reason: str) -> None:
    """Bring the dataset's PINNED holds in line with its pins.

    Args:
        person: who is recorded as having released a hold that no pin stands behind any more, with `reason`.
    """
    parameters = {"dataset": dataset, "person": person, "reason": reason}
    connection.execute(query(ROOM, "pin_holds_close"), parameters)
    connection.execute(query(ROOM, "pin_holds_open"), parameters)


def release(connection: Connection, dataset: str, partition: date | None, person: str, reason: str) -> list[date]:
    """Unpin a partition, or all of a dataset: they are dirty from now on. The unpinned ones, ascending.

    Raises:
        ConfigurationError: nothing of it is pinned.
    """
    rows = connection.execute(query(ROOM, "pin_release"), {"dataset": dataset, "partition": partition}).fetchall()
    if not rows:
        what = dataset if partition is None else f"{dataset} {partition}"
        raise ConfigurationError(f"{what} is not pinned", remedy="`casegold holds` lists what is")
    settle(connection, dataset, person, reason)
    return sorted(row["partition_key"] for row in rows)
