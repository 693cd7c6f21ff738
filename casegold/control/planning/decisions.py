"""The planner's decisions as types. Not here: how it decides (`planner`, `periods`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.changes.backfill_steps import UnderWay
from casegold.control.model import PartitionRange, Pipeline


@dataclass(frozen=True, slots=True)
class Due:
    """A range to compute now. `scope` pins everything that the outcome depends on.

    Counts of partitions: `restated` have an official version, `fresh` never had one, `unapproved` are restated and
    covered by no backfill. `must_ask`: the range changes because of facts that a backfill admitted but did not restate,
    so people have to approve it.
    """

    dataset: str
    pipeline: Pipeline
    partitions: PartitionRange
    scope: dict[str, Any]
    restated: int
    fresh: int
    why: str
    unapproved: int
    must_ask: bool = False
    backfill: UnderWay | None = None


@dataclass(frozen=True, slots=True)
class NotDue:
    """Nothing to compute for a dataset; `why` says what it waits for, if anything.

    `unsettled_from`: other datasets must not use partitions from this one on yet.
    """

    dataset: str
    why: str
    unsettled_from: date | None = None


Decision = Due | NotDue


def unsettled_from(decision: Decision) -> date | None:
    """The first partition that other datasets must not use yet: a due range changes as a whole."""
    return decision.partitions.first if isinstance(decision, Due) else decision.unsettled_from
