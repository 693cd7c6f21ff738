"""What a replay would send, from control state alone: the facts of a range, once more, to a topic and at a rate.

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
    """A replay before anybody has agreed to it: facts by the first date that each changes, known at `admitted_seq`.

    `minutes` at the rate; what consumers do with the events is theirs.
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
        """A plan as stored. Raises KeyError, TypeError, ValueError where it was not made here."""
        dates = {name: date.fromisoformat(plan[name]) for name in ("first", "last")}
        return cls(**{name: plan[name] for name in cls.__dataclass_fields__} | dates)

    def as_json(self) -> dict[str, Any]:
        """As it is stored and approved."""
        return asdict(self) | {"first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True, slots=True)
class Emission:
    """Where to, and how fast."""

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
        pinned: the sequences of an earlier plan, to see what became of just that; None takes those of now.

    Raises:
        ConfigurationError: the dataset is not made from facts, the rate is none, or no date of the range is closed.
    """
    if not contracts[dataset].reads_sequence:
        raise ConfigurationError(
            f"{dataset} is not made from facts: there are none of it to send",
            remedy="name the dataset of which consumers want the facts",
        )
    if not 1 <= emission.events_per_second <= MAX_EVENTS_PER_SECOND:
        raise ConfigurationError(
            f"{emission.events_per_second} events a second is no rate", remedy=f"1 to {MAX_EVENTS_PER_SECOND}"
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
    """Why an approved replay may not begin."""
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
