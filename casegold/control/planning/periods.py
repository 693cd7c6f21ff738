"""When a dataset made from published partitions is due: all inputs are official, in versions other than recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.changes.backfill_steps import UnderWay
from casegold.control.days.register import Register
from casegold.control.db import Connection
from casegold.control.model import PartitionRange, Pipeline
from casegold.control.planning.decisions import Decision, Due, NotDue
from casegold.control.versions import holds, pins
from casegold.control.versions.period_inputs import (
    Period,
    complete_periods,
    is_changed,
    is_pinned,
    official_versions,
    period_of,
    published_states,
)
from casegold.domain.contract import DatasetContract


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions from outside: the first input partition that must not be used yet, and the backfill under way."""

    unsettled: date | None = None
    backfill: UnderWay | None = None

    def chosen(self, key: date) -> bool:
        """Whether the backfill requests this period, even if its inputs are unchanged."""
        return self.backfill is not None and holds.covers(self.backfill.partitions, key)


def decide(
    connection: Connection, contract: DatasetContract, register: Register, transform_version: str, wanted: Wanted
) -> Decision:
    """The first sequence of consecutive due periods. A backfill's periods come first and are computed on their own."""
    dataset = contract.dataset
    versions = {ref.dataset: official_versions(connection, ref.dataset) for ref in contract.inputs}
    seen = published_states(connection, dataset)
    periods = [
        period_of(contract, key, register.first, versions, wanted.unsettled)
        for key in complete_periods(contract, register.first, register.latest)
    ]
    if not periods:
        return NotDue(dataset, f"no {contract.partitioned_by} is over yet")
    if wanted.backfill is not None:
        periods = [period for period in periods if wanted.chosen(period.key)] or periods
    inputs = {period.key.isoformat(): period.inputs for period in periods}
    span = PartitionRange(periods[0].key, periods[-1].key)
    standing = holds.standing(connection, contract, transform_version, span, inputs)
    due: list[Period] = []
    waiting: list[Period] = []
    reasons: list[str] = []
    for period in periods:
        why_not = _why_not(period, standing)
        if why_not is None and (is_changed(period, seen) or wanted.chosen(period.key)):
            due.append(period)
        elif due:
            break
        elif why_not is not None:
            reasons.append(f"{period.key} {why_not}")
            if not is_pinned(period, seen):
                waiting.append(period)
    if not due:
        why = reasons[0] if reasons else "every complete period is published and up to date"
        return NotDue(dataset, why, unsettled_from=waiting[0].key if waiting else None)
    return _due(connection, contract, due, seen, wanted.backfill)


def _due(
    connection: Connection,
    contract: DatasetContract,
    due: list[Period],
    seen: Mapping[date, Mapping[str, Any]],
    under_way: UnderWay | None,
) -> Due:
    partitions = PartitionRange(due[0].key, due[-1].key)
    scope: dict[str, Any] = {
        "partitions": [partitions.first.isoformat(), partitions.last.isoformat()],
        "inputs": {period.key.isoformat(): period.inputs for period in due},
        "contract": holds.contract_scope(contract),
        "waivers": holds.waivers(connection, contract.dataset, partitions),
    } | pins.scope_of_released(connection, contract.dataset, partitions)
    restated = sum(1 for period in due if period.key in seen and seen[period.key]["current_version"] is not None)
    why = f"the inputs of {partitions} are official and differ from those recorded"
    return Due(
        dataset=contract.dataset,
        pipeline=Pipeline.REPORT,
        partitions=partitions,
        scope=scope,
        restated=restated,
        fresh=len(due) - restated,
        why=why,
        unapproved=restated if under_way is None else 0,
        backfill=under_way,
    )


def _why_not(period: Period, standing: list[tuple[PartitionRange, str]]) -> str | None:
    if period.waits_for is not None:
        return f"waits for {period.waits_for}"
    reason = next((reason for held, reason in standing if holds.covers(held, period.key)), None)
    return None if reason is None else f"is held: {reason}"
