"""The plan of a replay, from control state alone: which facts it sends again, to which topic, at which rate.

Not here: plans that change figures (`backfill_plan`), sending (`jobs.replay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from casegold.control.changes.approvals import BackfillRequest
from casegold.control.days.register import closed_register
from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.contract import Contracts
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

MAX_EVENTS_PER_SECOND = 100_000


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The plan of a replay: the facts known at `admitted_seq` whose first changed date is in `first` to `last`.

    `minutes`: the duration at the given rate, without the work of consumers.
    """

    dataset: str
    mode: str
    first: date
    last: date
    admitted_seq: int
    totals_seq: int
    events: int
    topic: str
    events_per_second: int
    minutes: float
    notifications: str

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> ReplayPlan:
        """A stored plan. Raises KeyError, TypeError or ValueError if it is not the plan of a replay."""
        dates = {name: date.fromisoformat(plan[name]) for name in ("first", "last")}
        return cls(**{name: plan[name] for name in cls.__dataclass_fields__} | dates)

    def as_json(self) -> dict[str, Any]:
        """The plan as it is stored and approved."""
        return asdict(self) | {"first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True, slots=True)
class Emission:
    """The target topic and the rate of a replay."""

    topic: str
    events_per_second: int


def make(
    connection: Connection,
    contracts: Contracts,
    dataset: str,
    asked: PartitionRange,
    emission: Emission,
    pinned: tuple[int, int] | None = None,
) -> ReplayPlan:
    """The plan of a replay.

    Args:
        pinned: the sequences of an earlier plan, to compare it with the current state; None takes the current ones.

    Raises:
        ConfigurationError: the dataset is not made from facts, the rate is not allowed, or no date is closed yet.
    """
    if not contracts[dataset].reads_sequence:
        raise ConfigurationError(
            f"{dataset} is not made from facts: it has none to send",
            remedy="name the dataset whose facts consumers need",
        )
    if not 1 <= emission.events_per_second <= MAX_EVENTS_PER_SECOND:
        raise ConfigurationError(
            f"{emission.events_per_second} events a second is not allowed", remedy=f"1 to {MAX_EVENTS_PER_SECOND}"
        )
    register = closed_register(connection)
    admitted_seq, totals_seq = pinned or (register.admitted_seq, register.totals_seq)
    span = {"first": asked.first, "last": asked.last, "admitted_seq": admitted_seq}
    (found,) = connection.execute(query(ROOM, "replay_plan_events"), span).fetchall()
    return ReplayPlan(
        dataset=dataset,
        mode="REPLAY",
        first=asked.first,
        last=asked.last,
        admitted_seq=admitted_seq,
        totals_seq=totals_seq,
        events=found["events"],
        topic=emission.topic,
        events_per_second=emission.events_per_second,
        minutes=round(found["events"] / emission.events_per_second / 60, 1),
        notifications="suppressed",
    )


def judge(connection: Connection, contracts: Contracts, asked: BackfillRequest) -> list[str]:
    """The reasons why an approved replay may not begin."""
    assert asked.plan is not None  # noqa: S101 - only planned requests are approved
    try:
        planned = ReplayPlan.of(asked.plan)
    except (KeyError, TypeError, ValueError) as error:
        return [f"its plan was not made by `casegold backfill plan`: {error!r}"]
    partitions = PartitionRange(asked.first, asked.last)
    emission = Emission(planned.topic, planned.events_per_second)
    pinned = (planned.admitted_seq, planned.totals_seq)
    now = make(connection, contracts, asked.dataset, partitions, emission, pinned).as_json()
    was = planned.as_json()
    return [f"{name} was {was[name]}, is {now[name]}" for name in now if now[name] != was[name]]
