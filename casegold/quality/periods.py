"""The checks of a dataset that is computed from the days of a period. Not here: the rules of its `consistency`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract
from casegold.quality.inputs import check_inputs
from casegold.quality.results import CheckResult, not_judged
from casegold.quality.rows import check_schema, check_unique_key

Consistency = Callable[[pl.DataFrame, Sequence[date], bool], tuple[CheckResult, ...]]
"""The check `consistency` of a dataset; its arguments: rows, partitions, whether the check is required."""


def check_periods(
    contract: DatasetContract,
    frame: pl.DataFrame,
    partitions: Sequence[date],
    consistency: Consistency,
    *,
    days_read: Mapping[date, Collection[date]],
    register_start: date | None = None,
) -> tuple[CheckResult, ...]:
    """Results of every check of the contract for every period.

    Args:
        days_read: for each period, the dates of the snapshots that the figures were computed from.
        register_start: the register's first day; days before it are not required. None = every day is required.
    """
    rules = {check.name: check.required for check in contract.checks}
    schema = check_schema(contract, frame, partitions, required=rules["schema"])
    inputs = check_inputs(contract, partitions, days_read, register_start, rules["inputs_complete"])
    if frame.columns != [column.name for column in contract.columns]:
        unjudged = {name: rules[name] for name in ("unique_key", "consistency")}
        return (*schema, *inputs, *not_judged(schema, unjudged))
    return (
        *schema,
        *inputs,
        *check_unique_key(contract, frame, partitions, required=rules["unique_key"]),
        *consistency(frame, partitions, rules["consistency"]),
    )
