"""When a dataset made from published partitions is due: all inputs official, in other versions than those recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from casegold.domain.contract import DatasetContract
from casegold.domain.sql import load
from casegold.manifest import holds, pins
from casegold.manifest.backfill_steps import UnderWay
from casegold.manifest.db import Connection
from casegold.manifest.decisions import Decision, Due, NotDue, Register
from casegold.manifest.model import PartitionRange, Pipeline

SQL = "casegold.manifest.sql"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Period:
    """A complete period: the versions of its inputs as [dataset, partition, version], or what it waits for."""

    key: date
    inputs: list[list[Any]]
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What comes from outside: from which partition of its inputs on nothing may be built upon, and a backfill."""

    unsettled: date | None = None
    backfill: UnderWay | None = None

    def chosen(self, key: date) -> bool:
        """Whether the backfill asks for a period, whatever its inputs."""
        return self.backfill is not None and holds.covers(self.backfill.partitions, key)


def decide(
    connection: Connection, contract: DatasetContract, register: Register, transform_version: str, wanted: Wanted
) -> Decision:
    """The first unbroken row of periods that are due; those of a backfill by themselves, before all others."""
    dataset = contract.dataset
    versions = {ref.dataset: _official_versions(connection, ref.dataset) for ref in contract.inputs}
    seen = {
        row["partition_key"]: row for row in connection.execute(load(SQL, "planner_seen_inputs"), {"dataset": dataset})
    }
    periods = [
        _period(contract, key, register.first, versions, wanted.unsettled)
        for key in _complete_periods(contract, register.first, register.latest)
    ]
    if not periods:
        return NotDue(dataset, f"no {contract.partitioned_by} is over yet")
    if wanted.backfill is not None:
        periods = [period for period in periods if wanted.chosen(period.key)] or periods
    inputs = {period.key.isoformat(): period.inputs for period in periods}
    span = PartitionRange(periods[0].key, periods[-1].key)
    standing = holds.standing(connection, contract, transform_version, span, inputs)
    due: list[_Period] = []
    waiting: list[_Period] = []
    reasons: list[str] = []
    for period in periods:
        why_not = _why_not(period, standing)
        if why_not is None and (_is_changed(period, seen) or wanted.chosen(period.key)):
            due.append(period)
        elif due:
            break
        elif why_not is not None:
            reasons.append(f"{period.key} {why_not}")
            if not _is_pinned(period, seen):
                waiting.append(period)
    if not due:
        why = reasons[0] if reasons else "every complete period is published and up to date"
        return NotDue(dataset, why, unsettled_from=waiting[0].key if waiting else None)
    return _due(connection, contract, due, seen, wanted.backfill)


def official_inputs(
    connection: Connection, contract: DatasetContract, first_date: date, keys: Iterable[date]
) -> dict[str, list[list[Any]]] | None:
    """Of each period the official versions of its inputs; None where one of them has none.

    Args:
        first_date: the register's first.
    """
    versions = {ref.dataset: _official_versions(connection, ref.dataset) for ref in contract.inputs}
    periods = [_period(contract, key, first_date, versions, None) for key in keys]
    if any(period.waits_for is not None for period in periods):
        return None
    return {period.key.isoformat(): period.inputs for period in periods}


def up_to_date(connection: Connection, contract: DatasetContract, first_date: date, keys: Iterable[date]) -> set[date]:
    """The published periods among these that were made of the versions that are official now, or that are pinned.

    Args:
        first_date: the register's first.
    """
    versions = {ref.dataset: _official_versions(connection, ref.dataset) for ref in contract.inputs}
    rows = connection.execute(load(SQL, "planner_seen_inputs"), {"dataset": contract.dataset})
    seen = {row["partition_key"]: row for row in rows if row["current_version"] is not None}
    periods = [_period(contract, key, first_date, versions, None) for key in keys]
    return {period.key for period in periods if _is_pinned(period, seen) or not _is_changed(period, seen)}


def _is_changed(period: _Period, seen: Mapping[date, Mapping[str, Any]]) -> bool:
    state = seen.get(period.key)
    return state is None or state["released"] or state["seen_inputs"] != holds.digest_of(period.inputs)


def _is_pinned(period: _Period, seen: Mapping[date, Mapping[str, Any]]) -> bool:
    """Official because a person said so: it is built upon whatever its own inputs are."""
    return period.key in seen and seen[period.key]["pinned"]


def _due(
    connection: Connection,
    contract: DatasetContract,
    due: list[_Period],
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


def _why_not(period: _Period, standing: list[tuple[PartitionRange, str]]) -> str | None:
    if period.waits_for is not None:
        return f"waits for {period.waits_for}"
    reason = next((reason for held, reason in standing if holds.covers(held, period.key)), None)
    return None if reason is None else f"is held: {reason}"


def _official_versions(connection: Connection, dataset: str) -> dict[date, int]:
    rows = connection.execute(load(SQL, "planner_official_versions"), {"dataset": dataset})
    return {row["partition_key"]: row["current_version"] for row in rows}


def _complete_periods(contract: DatasetContract, first: date, latest: date) -> Iterable[date]:
    """Periods that are over, oldest first; the first may begin before the register does."""
    key = contract.partition_of(first)
    while contract.period(key)[1] <= latest:
        yield key
        key = contract.period(key)[1] + ONE_DAY


def _period(
    contract: DatasetContract,
    key: date,
    first_date: date,
    versions: Mapping[str, Mapping[date, int]],
    unsettled: date | None,
) -> _Period:
    inputs: list[list[Any]] = []
    for ref in contract.inputs:
        for partition in contract.input_partitions(ref, key):
            if contracted_before(partition, first_date):
                continue
            version = versions[ref.dataset].get(partition)
            if version is None or (unsettled is not None and partition >= unsettled):
                return _Period(key, [], f"{ref.dataset} {partition}")
            inputs.append([ref.dataset, partition.isoformat(), version])
    return _Period(key, sorted(inputs), None)


def contracted_before(partition: date, first: date) -> bool:
    """Before the register's first day there is nothing that a period could be made of: it begins with the register."""
    return partition < first
