"""Which dates are closed, which one is next, and what it waits for: the signals of its sources, then a barrier.

A barrier is the end offsets of the events topic, read after every signal had arrived: all events that a source sent
before it counted are before the barrier. A date closes once silver has reached the barrier and the previous date is
closed. Not here: reading Kafka.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection, Lock, take_lock
from casegold.control.ingest.consumer_positions import Epoch
from casegold.control.model import PartitionRange
from casegold.domain.sql import query

ROOM = "casegold.control.days"

CONSUMER = "silver/case_events"

Signals = list[dict[str, Any]]
"""For each required source: `source`, `signal`; for control totals also `totals_seq`, the completing commit."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What every date waits for. `others`: (source, signal) of sources without control totals, equal for every date."""

    first_date: date
    counting: tuple[str, ...]
    event_types: tuple[str, ...]
    others: tuple[tuple[str, str], ...]

    def parameters(self) -> dict[str, Any]:
        return {
            "first_date": self.first_date,
            "sources": list(self.counting),
            "types": list(self.event_types),
            "others": Jsonb([{"source": source, "signal": signal} for source, signal in self.others]),
        }


@dataclass(frozen=True, slots=True)
class Barrier:
    """The offsets, by partition, that silver must reach before a date closes."""

    of: Epoch
    offsets: Mapping[int, int]

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"topic": self.of.topic, "epoch": self.of.epoch, "partition": partition, "offset": offset}
            for partition, offset in sorted(self.offsets.items())
        ]


def latest(connection: Connection) -> date | None:
    """The latest closed date; None if no date is closed."""
    row = connection.execute(query(ROOM, "day_latest")).fetchone()
    return None if row is None else row["latest"]


def open_dates(connection: Connection, rules: Rules, last_over: date) -> PartitionRange | None:
    """The dates up to `last_over` that are not closed; None if there are none, or none can be the first yet.

    The first date to close is the earliest one for which every counting source has sent any control total.
    """
    closed = latest(connection)
    first = closed + timedelta(days=1) if closed else _first(connection, rules)
    return None if first is None or first > last_over else PartitionRange(first, last_over)


def _first(connection: Connection, rules: Rules) -> date | None:
    if not rules.counting:
        return rules.first_date
    row = connection.execute(query(ROOM, "day_first"), rules.parameters()).fetchone()
    return None if row is None else row["first"]


def without_barrier(connection: Connection, rules: Rules, within: PartitionRange, epoch: Epoch) -> dict[date, Signals]:
    """The signals of each date that has all of them, and no barrier in this epoch yet."""
    parameters = rules.parameters() | _within(within, epoch)
    rows = connection.execute(query(ROOM, "day_signalled"), parameters)
    return {row["business_date"]: row["signals"] for row in rows}


def set_barrier(connection: Connection, dates: Mapping[date, Signals], barrier: Barrier) -> None:
    """Set the barrier of dates, read after their signals; it replaces a barrier of an earlier epoch."""
    connection.execute(
        query(ROOM, "day_barrier_set"),
        {
            "dates": list(dates),
            "signals": [json.dumps(signals) for signals in dates.values()],
            "barrier": Jsonb(barrier.as_json()),
            **_of_epoch(barrier.of),
        },
    )


def close(connection: Connection, rules: Rules, last_over: date, epoch: Epoch) -> list[date]:
    """Close, in order, the dates whose barrier silver has reached, up to the first that still waits. Returns them."""
    take_lock(connection, Lock.REGISTER)
    within = open_dates(connection, rules, last_over)
    if within is None:
        return []
    return [row["business_date"] for row in connection.execute(query(ROOM, "day_close"), _within(within, epoch))]


def close_by_hand(connection: Connection, day: date, barrier: Barrier, signals: Signals, reason: str) -> None:
    """Close one date as the database user. The caller has checked that silver reached the barrier."""
    parameters = {"day": day, "barrier": Jsonb(barrier.as_json()), "signals": Jsonb(signals), "reason": reason}
    connection.execute(query(ROOM, "day_close_by_hand"), parameters)


def missing(connection: Connection, rules: Rules, day: date) -> dict[str, list[str]]:
    """The event types without a control total for a date, by counting source. Empty if none is missing."""
    rows = connection.execute(query(ROOM, "day_missing"), rules.parameters() | {"day": day})
    return {row["source"]: row["types"] for row in rows}


def not_reached(connection: Connection, barrier: Barrier) -> int:
    """How many offsets silver still has to read before it reaches a barrier."""
    parameters = {"barrier": Jsonb(barrier.as_json())}
    row = connection.execute(query(ROOM, "day_distance"), parameters).fetchone()
    return 0 if row is None else int(row["offsets"])


def stored_barrier(connection: Connection, day: date, epoch: Epoch) -> Barrier | None:
    """The barrier of a date in this epoch; None if it has none."""
    row = connection.execute(query(ROOM, "day_barrier_get"), {"day": day, **_of_epoch(epoch)}).fetchone()
    if row is None:
        return None
    return Barrier(epoch, {place["partition"]: place["offset"] for place in row["barrier"]})


def _within(within: PartitionRange, epoch: Epoch) -> dict[str, Any]:
    return {"first": within.first, "last": within.last, **_of_epoch(epoch)}


def _of_epoch(epoch: Epoch) -> dict[str, Any]:
    return {"of_epoch": Jsonb([{"topic": epoch.topic, "epoch": epoch.epoch}])}
