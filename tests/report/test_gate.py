"""The report's own gate: figures that do not add up, or were counted from too few days, are not published."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from casegold.domain.calendar import days, month_end
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import verdict
from products.enforcement_report.checks import check_reports
from tests.quality.rows import REPORT
from tests.report.register import EVE, MONTH, Case, build

WHOLE = {MONTH: tuple(days(MONTH, month_end(MONTH)))}
NEW = date(2026, 2, 10)


def report() -> pl.DataFrame:
    cases = [
        Case("a", EVE, [(NEW, "close", None)]),
        Case("b", NEW, [(NEW, "decide", (Decimal("1.50"), "EUR", 9)), (NEW, "team", "north")], "TAX", "IT"),
        Case("c", NEW, [(NEW, "breach", None)], "TAX"),
    ]
    table = build([row for case in cases for row in case.rows()])
    found = pl.from_arrow(table.cast(REPORT.arrow_schema()))
    assert isinstance(found, pl.DataFrame)
    return found


def judge(frame: pl.DataFrame, **changes: Any) -> dict[str, CheckResult]:
    results = check_reports(REPORT, frame, [MONTH], **({"days_read": WHOLE} | changes))
    assert {r.check for r in results} == {check.name for check in REPORT.checks}
    return {result.check: result for result in results}


def changed(measure: str, dimension: str, by: int) -> pl.DataFrame:
    place = (pl.col("measure") == measure) & (pl.col("dimension") == dimension)
    new = pl.when(place).then(pl.col("value") + by).otherwise("value").cast(pl.Decimal(28, 2))
    return report().with_columns(new.alias("value"))


def test_a_true_report_passes() -> None:
    results = judge(report())
    assert {r.status for r in results.values()} == {CheckStatus.PASSED}, results


def test_a_report_of_an_empty_register_passes() -> None:
    empty = pl.from_arrow(build([]).cast(REPORT.arrow_schema()))
    assert isinstance(empty, pl.DataFrame)
    assert {r.status for r in judge(empty).values()} == {CheckStatus.PASSED}


@pytest.mark.parametrize("measure", ["OPENED", "CLOSED", "OPEN_AT_START", "OPEN_AT_END", "ESCALATED", "PENALTIES"])
@pytest.mark.parametrize("dimension", ["TOTAL", "TEAM", "CASE_TYPE"])
def test_figures_that_do_not_add_up_fail(measure: str, dimension: str) -> None:
    assert judge(changed(measure, dimension, 1))["consistency"].status is CheckStatus.FAILED


def test_a_movement_that_is_wrong_everywhere_fails_too() -> None:
    place = pl.col("measure") == "CLOSED"
    wrong = report().with_columns(pl.when(place).then(0).otherwise("value").cast(pl.Decimal(28, 2)).alias("value"))
    result = judge(wrong)["consistency"]
    assert result.status is CheckStatus.FAILED
    assert "open at end" in result.sample[0]["problem"]


def test_a_dimension_that_is_gone_fails() -> None:
    assert judge(report().filter(pl.col("dimension") != "TEAM"))["consistency"].status is CheckStatus.FAILED


def test_no_figures_at_all_fail() -> None:
    assert judge(report().clear())["consistency"].status is CheckStatus.FAILED


def test_a_figure_given_twice_fails() -> None:
    twice = pl.concat([report(), report().filter(pl.col("measure") == "MEDIAN_DAYS_TO_DECISION").head(1)])
    assert judge(twice)["unique_key"].failures == 1


def test_a_penalty_without_currency_or_an_unknown_measure_fails() -> None:
    unit = pl.when(pl.col("unit") == "EUR").then(None).otherwise("unit").alias("unit")
    assert judge(report().with_columns(unit))["schema"].status is CheckStatus.FAILED
    assert judge(report().with_columns(measure=pl.lit("OPEND")))["schema"].status is CheckStatus.FAILED


def test_a_missing_day_fails_and_is_named() -> None:
    result = judge(report(), days_read={MONTH: WHOLE[MONTH][:-1]})["inputs_complete"]
    assert (result.status, result.failures, result.actual) == (CheckStatus.FAILED, 1, "27 days")
    assert result.sample == ({"missing": "2026-02-28"},)
    assert judge(report(), days_read={})["inputs_complete"].failures == 28


def test_days_before_the_register_began_are_not_missed() -> None:
    later = {MONTH: WHOLE[MONTH][9:]}
    assert judge(report(), days_read=later, register_start=NEW)["inputs_complete"].status is CheckStatus.PASSED
    one_later = NEW - timedelta(days=1)
    assert judge(report(), days_read=later, register_start=one_later)["inputs_complete"].failures == 1


def test_rows_of_another_shape_close_the_gate() -> None:
    results = judge(report().drop("unit"))
    assert results["consistency"].status is CheckStatus.MISSING
    assert verdict(REPORT, results.values(), [MONTH]).closed()
