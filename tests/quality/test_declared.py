"""Checks that a contract states itself: ODCS' operators and metrics, and a query without an answer closes the gate."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from casegold.domain.contract import CheckRule
from casegold.domain.measure import OPERATORS, Measure, Metric
from casegold.quality.declared import check_declared
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import GateStatus, verdict
from casegold.transform.sandbox import Limits
from tests.quality.rows import DAY, SNAPSHOT, dates, frame, row

TWO = frame([row(case_id="C-1", team="north"), row(case_id="C-2", team="north")])


def judged(measure: Measure, rows: pl.DataFrame, tmp_path: Path) -> CheckResult:
    contract = replace(SNAPSHOT, checks=(CheckRule("stated", True, "As stated.", measure=measure),))
    (result,) = check_declared(contract, rows, [DAY], Limits("1GB", 1, tmp_path))
    gate = verdict(contract, [result], [DAY]).status(DAY)
    assert (gate is GateStatus.PASSED) == (result.status is CheckStatus.PASSED)
    return result


def sql(query: str, operator: str = "mustBe", *limits: int) -> Measure:
    return Measure(operator, tuple(Decimal(limit) for limit in limits or (0,)), query=query)


@pytest.mark.parametrize(
    ("operator", "limits", "holds"),
    [
        ("mustBe", (2,), True),
        ("mustBe", (3,), False),
        ("mustNotBe", (3,), True),
        ("mustNotBe", (2,), False),
        ("mustBeGreaterThan", (1,), True),
        ("mustBeGreaterThan", (2,), False),
        ("mustBeGreaterOrEqualTo", (2,), True),
        ("mustBeGreaterOrEqualTo", (3,), False),
        ("mustBeLessThan", (3,), True),
        ("mustBeLessThan", (2,), False),
        ("mustBeLessOrEqualTo", (2,), True),
        ("mustBeLessOrEqualTo", (1,), False),
        ("mustBeBetween", (2, 3), True),
        ("mustBeBetween", (3, 4), False),
        ("mustNotBeBetween", (3, 4), True),
        ("mustNotBeBetween", (1, 2), False),
    ],
)
def test_every_operator_of_the_standard(operator: str, limits: tuple[int, ...], holds: bool, tmp_path: Path) -> None:
    found = judged(sql("select count(*) from ${table}", operator, *limits), TWO, tmp_path)
    assert found.status is (CheckStatus.PASSED if holds else CheckStatus.FAILED)
    assert found.actual == "2"
    assert found.expected.startswith("must")


def test_no_operator_is_forgotten() -> None:
    assert len(OPERATORS) == 8


@pytest.mark.parametrize(
    ("metric", "column", "value"),
    [(Metric.ROW_COUNT, None, 2), (Metric.NULL_VALUES, "assignee", 2), (Metric.DUPLICATE_VALUES, "team", 1)],
)
def test_metrics_of_the_library(metric: Metric, column: str | None, value: int, tmp_path: Path) -> None:
    found = judged(Measure("mustBe", (Decimal(0),), metric=metric, column=column), TWO, tmp_path)
    assert (found.status, found.failures) == (CheckStatus.FAILED, value)


def test_each_partition_is_judged_by_its_own_rows(tmp_path: Path) -> None:
    measure = sql("select count(*) from ${table}")
    contract = replace(SNAPSHOT, checks=(CheckRule("stated", True, "As stated.", measure=measure),))
    results = check_declared(contract, TWO, dates(2), Limits("1GB", 1, tmp_path))
    assert [each.status for each in results] == [CheckStatus.FAILED, CheckStatus.PASSED]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select null from ${table}", "not one number"),
        ("select case_id from ${table}", "not one number"),
        ("select 1 from ${table}", "2 rows"),
        ("select 1, 2 from ${table} limit 1", "not one number"),
        ("select 'nan'::double from ${table} limit 1", "not one number"),
        ("select true from ${table} limit 1", "not one number"),
        ("select nothing from ${table}", "not found"),
        ("select count(*) from ${table} where error('no')", "no"),
        ("select count(*) from ${table}, read_csv('/etc/passwd')", "is not called"),
        ("drop table ${table}", "is not run"),
    ],
)
def test_a_query_without_an_answer_is_no_pass(query: str, told: str, tmp_path: Path) -> None:
    found = judged(sql(query), TWO, tmp_path)
    assert found.status is CheckStatus.MISSING
    assert told in found.detail
