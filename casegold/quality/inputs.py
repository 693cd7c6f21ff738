"""The check `inputs_complete` of datasets computed from daily partitions: every day of the period was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract, InputMapping
from casegold.quality.results import CheckResult, outcome


def check_inputs(
    contract: DatasetContract,
    partitions: Sequence[date],
    days_read: Mapping[date, Collection[date]],
    register_start: date | None,
    required: bool,
) -> tuple[CheckResult, ...]:
    """Every date of each period was read. A failure is a date that was not.

    Args:
        days_read: for each period, the dates of the snapshots that it was computed from.
        register_start: the register's first day; days before it are not required. None = every day is required.
    """
    whole = (InputMapping.DAYS_OF_PERIOD, InputMapping.SAME)
    daily = next(ref for ref in contract.inputs if ref.mapping in whole)
    results = []
    for period in partitions:
        wanted = [
            day for day in contract.input_partitions(daily, period) if register_start is None or day >= register_start
        ]
        lacking = sorted(set(wanted) - set(days_read.get(period, ())))
        bad = pl.DataFrame({"missing": lacking}, schema={"missing": pl.Date})
        results.append(
            outcome(
                "inputs_complete",
                period,
                required=required,
                bad=bad,
                expected=f"{len(wanted)} days of {daily.dataset}",
                actual=f"{len(wanted) - len(lacking)} days",
            )
        )
    return tuple(results)
