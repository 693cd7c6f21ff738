"""Which dates are closed, which one is next, and what it waits for: signals of its sources, then a barrier.

A barrier is the end of the events topic, read after every signal had arrived: whatever a source sent before it
counted lies before it. A date closes once silver has reached it and the date before is closed. Not here: Kafka.
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
"""Of each required source: `source`, `signal` and, for control totals, `totals_seq`, the commit that completed them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What every date waits for. `others`: the signals of sources that do not count, the same for every date."""

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
    """Offsets by partition that silver has to reach."""

    of: Epoch
    offsets: Mapping[int, int]

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"topic": self.of.topic, "epoch": self.of.epoch, "partition": partition, "offset": offset}
            for partition, offset in sorted(self.offsets.items())
        ]


def latest(connection: Connection) -> date | None:
    """The latest closed date."""
    row = connection.execute(query(ROOM, "day_latest")).fetchone()
    return None if row is None else row["latest"]


def open_dates(connection: Connection, rules: Rules, last_over: date) -> PartitionRange | None:
    """The dates that are over and not closed; None without any, or while no date can be the first.

    The first date to close is the earliest one for which every counting source has counted anything.
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
    """Dates of which every signal has arrived, and whose barrier has not been read in this epoch; with the signals."""
    parameters = rules.parameters() | _within(within, epoch)
    rows = connection.execute(query(ROOM, "day_signalled"), parameters)
    return {row["business_date"]: row["signals"] for row in rows}


def set_barrier(connection: Connection, dates: Mapping[date, Signals], barrier: Barrier) -> None:
    """Give dates the barrier that was read after their signals; one of an earlier epoch is replaced."""
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
    """Close, in order, every date whose barrier silver has reached, up to the first one that still waits."""
    take_lock(connection, Lock.REGISTER)
    within = open_dates(connection, rules, last_over)
    if within is None:
        return []
    return [row["business_date"] for row in connection.execute(query(ROOM, "day_close"), _within(within, epoch))]


def close_by_hand(connection: Connection, day: date, barrier: Barrier, signals: Signals, reason: str) -> None:
    """Close one date in the name of the database user. The caller has seen that silver reached the barrier."""
    parameters = {"day": day, "barrier": Jsonb(barrier.as_json()), "signals": Jsonb(signals), "reason": reason}
    connection.execute(query(ROOM, "day_close_by_hand"), parameters)


def missing(connection: Connection, rules: Rules, day: date) -> dict[str, list[str]]:
    """By counting source: the event types that it has not counted for a date. Empty when it has counted all."""
    rows = connection.execute(query(ROOM, "day_missing"), rules.parameters() | {"day": day})
    return {row["source"]: row["types"] for row in rows}


def not_reached(connection: Connection, barrier: Barrier) -> int:
    """Offsets between silver and a barrier."""
    parameters = {"barrier": Jsonb(barrier.as_json())}
    row = connection.execute(query(ROOM, "day_distance"), parameters).fetchone()
    return 0 if row is None else int(row["offsets"])


def stored_barrier(connection: Connection, day: date, epoch: Epoch) -> Barrier | None:
    """The barrier of a date in this epoch."""
    row = connection.execute(query(ROOM, "day_barrier_get"), {"day": day, **_of_epoch(epoch)}).fetchone()
    if row is None:
        return None
    return Barrier(epoch, {place["partition"]: place["offset"] for place in row["barrier"]})


def _within(within: PartitionRange, epoch: Epoch) -> dict[str, Any]:
    return {"first": within.first, "last": within.last, **_of_epoch(epoch)}


def _of_epoch(epoch: Epoch) -> dict[str, Any]:
    return {"of_epoch": Jsonb([{"topic": epoch.topic, "epoch": epoch.epoch}])}
