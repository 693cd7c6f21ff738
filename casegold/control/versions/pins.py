"""Pins: partitions of a version that a person republished. The planner does not change them until their release.

`partition_state.pinned` is the pin; an open PINNED hold reports each pinned range. Not here: republishing
(`version_record`, `jobs.republish`).
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
    """The first pinned partition of a dataset, and the reason."""

    first: date
    reason: str


def first_pin(connection: Connection, dataset: str) -> Pin | None:
    """The earliest pin of a dataset; None if nothing is pinned."""
    row = connection.execute(query(ROOM, "pin_first"), {"dataset": dataset}).fetchone()
    return None if row is None else Pin(row["first"], row["reason"])


def first_unpinned(connection: Connection, dataset: str, first: date) -> date | None:
    """The first closed date from `first` on that is not pinned; None if there is none."""
    row = connection.execute(query(ROOM, "pin_unpinned_from"), {"dataset": dataset, "first": first}).fetchone()
    return None if row is None else row["first"]


def scope_of_released(connection: Connection, dataset: str, within: PartitionRange) -> dict[str, list[int]]:
    """An addition to the scope of a run: the versions that were unpinned in its range; empty if there are none.

    Its inputs may equal those of a run before the pin. The addition gives it a run id of its own.
    """
    parameters = {"dataset": dataset, "first": within.first, "last": within.last}
    found = [row["current_version"] for row in connection.execute(query(ROOM, "pin_released"), parameters)]
    return {"released": found} if found else {}


def settle(connection: Connection, dataset: str, person: str, reason: str) -> None:
    """Open and release the dataset's PINNED holds so that they match its pins.

    Args:
        person: recorded, with `reason`, as the one who released a hold that has no pin any more.
    """
    parameters = {"dataset": dataset, "person": person, "reason": reason}
    connection.execute(query(ROOM, "pin_holds_close"), parameters)
    connection.execute(query(ROOM, "pin_holds_open"), parameters)


def release(connection: Connection, dataset: str, partition: date | None, person: str, reason: str) -> list[date]:
    """Unpin a partition or a whole dataset; what is unpinned becomes dirty. Returns the unpinned partitions, ascending.

    Raises:
        ConfigurationError: nothing is pinned there.
    """
    rows = connection.execute(query(ROOM, "pin_release"), {"dataset": dataset, "partition": partition}).fetchall()
    if not rows:
        what = dataset if partition is None else f"{dataset} {partition}"
        raise ConfigurationError(f"{what} is not pinned", remedy="`casegold holds` lists what is")
    settle(connection, dataset, person, reason)
    return sorted(row["partition_key"] for row in rows)
