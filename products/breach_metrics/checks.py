"""The gate's questions to `gold/breach_metrics`: do a row's figures agree, and was every day there to count?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract
from casegold.quality.periods import check_periods
from casegold.quality.results import CheckResult
from casegold.quality.rows import RowRule, check_rules

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
    """Every check of the contract for every quarter; arguments as of `check_periods`."""

    def consistency(rows: pl.DataFrame, quarters: Sequence[date], required: bool) -> tuple[CheckResult, ...]:
        return check_rules("consistency", contract, rows, quarters, RULES, required=required)

    return check_periods(contract, frame, partitions, consistency, days_read=days_read, register_start=register_start)
