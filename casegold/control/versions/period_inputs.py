"""Which versions of its inputs a period is computed from, and whether a published period used the official ones.

Not here: what is due (`planning.planner`, `planning.periods`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from casegold.control.db import Connection
from casegold.control.versions import holds
from casegold.domain.contract import DatasetContract
from casegold.domain.sql import query

ROOM = "casegold.control.versions"

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A period that is over: its inputs as [dataset, partition, version], or the partition that it waits for."""

    key: date
    inputs: list[list[Any]]
    waits_for: str | None


def official_inputs(
    connection: Connection, contract: DatasetContract, first_date: date, keys: Iterable[date]
) -> dict[str, list[list[Any]]] | None:
    """The official input versions of each period; None if any input has none.

    Args:
        first_date: the register's first.
    """
    versions = {ref.dataset: official_versions(connection, ref.dataset) for ref in contract.inputs}
    periods = [period_of(contract, key, first_date, versions, None) for key in keys]
    if any(period.waits_for is not None for period in periods):
        return None
    return {period.key.isoformat(): period.inputs for period in periods}


def up_to_date(connection: Connection, contract: DatasetContract, first_date: date, keys: Iterable[date]) -> set[date]:
    """Those of the given periods that are pinned, or were computed from the versions that are official now.

    Args:
        first_date: the register's first.
    """
    versions = {ref.dataset: official_versions(connection, ref.dataset) for ref in contract.inputs}
    states = published_states(connection, contract.dataset)
    seen = {key: state for key, state in states.items() if state["current_version"] is not None}
    periods = [period_of(contract, key, first_date, versions, None) for key in keys]
    return {period.key for period in periods if is_pinned(period, seen) or not is_changed(period, seen)}


def is_changed(period: Period, seen: Mapping[date, Mapping[str, Any]]) -> bool:
    """Whether a period was never published, was unpinned, or used other versions than the official ones."""
    state = seen.get(period.key)
    return state is None or state["released"] or state["seen_inputs"] != holds.digest_of(period.inputs)


def is_pinned(period: Period, seen: Mapping[date, Mapping[str, Any]]) -> bool:
    """Whether a person pinned the period: other datasets may use it, whatever its own inputs are."""
    return period.key in seen and seen[period.key]["pinned"]


def published_states(connection: Connection, dataset: str) -> dict[date, Mapping[str, Any]]:
    """`current_version, seen_inputs, pinned, released` of each known period."""
    rows = connection.execute(query(ROOM, "planner_seen_inputs"), {"dataset": dataset})
    return {row["partition_key"]: row for row in rows}


def official_versions(connection: Connection, dataset: str) -> dict[date, int]:
    """The official version of each published partition of a dataset."""
    rows = connection.execute(query(ROOM, "planner_official_versions"), {"dataset": dataset})
    return {row["partition_key"]: row["current_version"] for row in rows}


def complete_periods(contract: DatasetContract, first: date, latest: date) -> Iterable[date]:
    """Periods that are over, oldest first; the first one may begin before the register does."""
    key = contract.partition_of(first)
    while contract.period(key)[1] <= latest:
        yield key
        key = contract.period(key)[1] + ONE_DAY


def period_of(
    contract: DatasetContract,
    key: date,
    first_date: date,
    versions: Mapping[str, Mapping[date, int]],
    unsettled: date | None,
) -> Period:
    inputs: list[list[Any]] = []
    for ref in contract.inputs:
        for partition in contract.input_partitions(ref, key):
            if before_register(partition, first_date):
                continue
            version = versions[ref.dataset].get(partition)
            if version is None or (unsettled is not None and partition >= unsettled):
                return Period(key, [], f"{ref.dataset} {partition}")
            inputs.append([ref.dataset, partition.isoformat(), version])
    return Period(key, sorted(inputs), None)


def before_register(partition: date, first: date) -> bool:
    """Whether a partition is before the register's first date, where no inputs exist: the first period omits it."""
    return partition < first
