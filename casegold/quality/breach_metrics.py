"""The gate's questions to `gold/breach_metrics`: do a row's figures agree, and was every day there to count?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract
from casegold.quality.inputs import check_inputs
from casegold.quality.results import CheckResult, not_judged
from casegold.quality.rows import RowRule, check_rules, check_schema, check_unique_key

_RATE = pl.col("breach_rate")
_P50, _P90 = pl.col("consumed_share_p50"), pl.col("consumed_share_p90")
_WITH_CLOCK, _MEASURED = pl.col("cases_with_clock"), pl.col("shares_measured")
_MILLIONTHS = (2_000_000 * pl.col("cases_breached") + _WITH_CLOCK) // (2 * _WITH_CLOCK)

RULES = (
    RowRule("group_has_a_case", pl.col("cases") < 1),
    RowRule("clock_cases_are_cases", pl.col("cases") < _WITH_CLOCK),
    RowRule("running_cases_have_a_clock", pl.col("clocks_running") > _WITH_CLOCK),
    RowRule("breached_cases_had_a_clock", pl.col("cases_breached") > _WITH_CLOCK),
    RowRule("measured_cases_had_a_clock", _MEASURED > _WITH_CLOCK),
    RowRule("starts_need_a_clock", (pl.col("clocks_started") > 0) & (_WITH_CLOCK == 0)),
    RowRule("rate_only_with_denominator", _RATE.is_null() != (_WITH_CLOCK == 0)),
    RowRule("rate_from_0_to_1", ((_RATE < 0) | (_RATE > 1)).fill_null(value=False)),
    RowRule(
        "rate_is_the_quotient",
        (_WITH_CLOCK > 0) & ((_RATE * 1_000_000).cast(pl.Int64) != _MILLIONTHS).fill_null(value=False),
    ),
    RowRule(
        "percentiles_only_of_shares",
        (_P50.is_null() != (_MEASURED == 0)) | (_P90.is_null() != (_MEASURED == 0)),
    ),
    RowRule("shares_not_negative", (_P50 < 0).fill_null(value=False)),
    RowRule("p50_at_most_p90", (_P50 > _P90).fill_null(value=False)),
)


def check_breach_metrics(
    contract: DatasetContract,
    frame: pl.DataFrame,
    partitions: Sequence[date],
    *,
    days_read: Mapping[date, Collection[date]],
    register_start: date | None = None,
) -> tuple[CheckResult, ...]:
    """Every check of the contract for every quarter.

    Args:
        days_read: for each quarter the dates of the snapshots that the figures were counted from.
        register_start: the register's first day; days before it are not missed. None = every day is expected.
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
        *check_rules("consistency", contract, frame, partitions, RULES, required=rules["consistency"]),
    )
