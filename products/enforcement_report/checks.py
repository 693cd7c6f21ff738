"""The gate's questions to `reports/enforcement_report`: do the figures add up, and was every day there to count?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract
from casegold.quality.periods import check_periods
from casegold.quality.results import CheckResult, by_partition, outcome
from products.enforcement_report.figures import DIMENSIONS

_ADDITIVE = (
    "OPEN_AT_START",
    "OPENED",
    "REOPENED",
    "CLOSED",
    "OPEN_AT_END",
    "ESCALATED",
    "BREACHED",
    "DECIDED",
    "PENALTIES",
)
_GROUP = ("report_month", "dimension", "dimension_value")


def check_reports(
    contract: DatasetContract,
    frame: pl.DataFrame,
    partitions: Sequence[date],
    *,
    days_read: Mapping[date, Collection[date]],
    register_start: date | None = None,
) -> tuple[CheckResult, ...]:
    """Every check of the contract for every month; arguments as of `check_periods`."""
    return check_periods(contract, frame, partitions, _consistency, days_read=days_read, register_start=register_start)


def _consistency(frame: pl.DataFrame, partitions: Sequence[date], required: bool) -> tuple[CheckResult, ...]:
    bad = pl.concat([_sums_that_differ(frame), _flows_that_do_not_add_up(frame), _totals_that_lack(frame, partitions)])
    return tuple(
        outcome(
            "consistency",
            month,
            required=required,
            bad=rows,
            expected="groups add up to the total; start + opened + reopened - closed = end",
        )
        for month, rows in by_partition(bad.sort(pl.all()), "report_month", partitions).items()
    )


def _sums_that_differ(frame: pl.DataFrame) -> pl.DataFrame:
    """Measures whose groups do not add up to the total, in each dimension on which the total has cases."""
    figures = frame.filter(pl.col("measure").is_in(_ADDITIVE))
    place = ["report_month", "measure", "unit"]
    total = figures.filter(pl.col("dimension") == "TOTAL").group_by(place).agg(pl.col("value").sum().alias("total"))
    sums = (
        figures.filter(pl.col("dimension") != "TOTAL")
        .group_by(*place, "dimension")
        .agg(pl.col("value").sum().alias("groups"))
    )
    dimensions = pl.DataFrame({"dimension": list(DIMENSIONS)})
    expected = pl.concat([total.select(place), sums.select(place)]).unique().join(dimensions, how="cross")
    compared = expected.join(total, on=place, how="left").join(sums, on=[*place, "dimension"], how="left")
    # A group without cases has no rows, so that nothing stands for zero on either side.
    compared = compared.with_columns(pl.col("total", "groups").fill_null(0))
    return compared.filter(pl.col("total") != pl.col("groups")).select(
        "report_month",
        "dimension",
        pl.lit("").alias("dimension_value"),
        pl.format("{} {}: total {}, groups {}", "measure", "unit", "total", "groups").alias("problem"),
    )


def _flows_that_do_not_add_up(frame: pl.DataFrame) -> pl.DataFrame:
    def figure(measure: str) -> pl.Expr:
        return pl.col("value").filter(pl.col("measure") == measure).sum()

    reached = figure("OPEN_AT_START") + figure("OPENED") + figure("REOPENED") - figure("CLOSED")
    groups = frame.group_by(_GROUP).agg(reached.alias("reached"), figure("OPEN_AT_END").alias("end"))
    return groups.filter(pl.col("reached") != pl.col("end")).select(
        *_GROUP, pl.format("start and movements give {}, open at end is {}", "reached", "end").alias("problem")
    )


def _totals_that_lack(frame: pl.DataFrame, partitions: Sequence[date]) -> pl.DataFrame:
    """A month without its total was not counted at all."""
    counted = frame.filter(pl.col("dimension") == "TOTAL")["report_month"].to_list()
    lacking = [(month, "TOTAL", "", "the total is missing") for month in partitions if month not in set(counted)]
    schema = {"report_month": pl.Date, "dimension": pl.String, "dimension_value": pl.String, "problem": pl.String}
    return pl.DataFrame(lacking, schema=schema, orient="row")
