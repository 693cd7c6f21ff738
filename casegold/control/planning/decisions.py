"""The planner's answers, and what both of its halves need. Not here: how an answer is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.changes.backfill_steps import UnderWay
from casegold.control.model import PartitionRange, Pipeline


@dataclass(frozen=True, slots=True)
class Due:
    """A range that should be computed now, with everything the outcome depends on pinned in `scope`.

    `restated` of its partitions have an official version, `fresh` never had one. `unapproved` of the restated ones are
    covered by no backfill; `must_ask` where what changes them was admitted by a backfill that did not restate them.
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
    """Nothing to compute for a dataset, and what it waits for, if for anything.

    `unsettled_from` is the first partition that nobody should build upon yet.
    """

    dataset: str
    why: str
    unsettled_from: date | None = None


Decision = Due | NotDue


def unsettled_from(decision: Decision) -> date | None:
    """From which partition on a dataset is not to be built upon: all of a due range changes together."""
    return decision.partitions.first if isinstance(decision, Due) else decision.unsettled_from
