"""Evaluates the checks that a contract defines by a query or a metric, on the staged rows of each partition.

If a query fails or returns no number, the check has no result; a required one then closes the gate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import duckdb
import polars as pl

from casegold.domain.contract import CheckRule, DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.measure import Measure, Metric
from casegold.domain.odcs_measure import TABLE
from casegold.quality.results import CheckResult, CheckStatus, by_partition, digest_of_texts
from casegold.transform.sandbox import Limits, execute, sandbox, statements

ROWS = "staged_rows"


def check_declared(
    contract: DatasetContract, frame: pl.DataFrame, partitions: Sequence[date], limits: Limits
) -> tuple[CheckResult, ...]:
    """Results of every check of the contract that has a measure, for every partition."""
    rules = [(rule, rule.measure) for rule in contract.checks if rule.measure is not None]
    if not rules:
        return ()
    return tuple(
        result
        for period, rows in by_partition(frame, str(contract.partition_column), partitions).items()
        for result in _of_partition(contract, period, rows, rules, limits)
    )


def _of_partition(
    contract: DatasetContract,
    period: date,
    rows: pl.DataFrame,
    rules: Sequence[tuple[CheckRule, Measure]],
    limits: Limits,
) -> list[CheckResult]:
    with sandbox({ROWS: rows.to_arrow}, limits) as connection:
        return [_result(contract, period, rule, measure, connection, rows) for rule, measure in rules]


def _result(
    contract: DatasetContract,
    period: date,
    rule: CheckRule,
    measure: Measure,
    connection: duckdb.DuckDBPyConnection,
    rows: pl.DataFrame,
) -> CheckResult:
    try:
        value = value_of(contract, rule, measure, connection, rows)
    except ConfigurationError as error:
        return CheckResult(
            rule.name,
            period,
            rule.required,
            CheckStatus.MISSING,
            expected=measure.expected,
            detail=error.message,
            reads=digest_of_texts([rule.name, error.message]),
        )
    if measure.holds(value):
        return CheckResult(
            rule.name, period, rule.required, CheckStatus.PASSED, expected=measure.expected, actual=str(value)
        )
    counted = measure.operator == "mustBe" and measure.limits == (Decimal(0),) and value > 0 and value == int(value)
    return CheckResult(
        rule.name,
        period,
        rule.required,
        CheckStatus.FAILED,
        failures=int(value) if counted else 1,
        expected=measure.expected,
        actual=str(value),
        detail=rule.description,
        reads=digest_of_texts([rule.name, str(value)]),
    )


def value_of(
    contract: DatasetContract,
    rule: CheckRule,
    measure: Measure,
    connection: duckdb.DuckDBPyConnection,
    rows: pl.DataFrame,
) -> Decimal:
    """The measured number.

    Raises:
        ConfigurationError: the query is wrong, or returns anything other than one number.
    """
    match measure.metric:
        case Metric.ROW_COUNT:
            return Decimal(rows.height)
        case Metric.NULL_VALUES:
            return Decimal(rows[str(measure.column)].null_count())
        case Metric.DUPLICATE_VALUES:
            values = rows[str(measure.column)].drop_nulls()
            return Decimal(values.value_counts().filter(pl.col("count") > 1).height)
    place = f"{contract.dataset}: check {rule.name}"
    (statement, *more) = statements(place, measure.query.replace(TABLE, ROWS))
    found = execute(connection, statement).fetchall()
    number = found[0][0] if len(found) == 1 and len(found[0]) == 1 and not more else None
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal) or not math.isfinite(number):
        raise ConfigurationError(
            f"{place}: gives {_seen(found)}, not one number", remedy="write a query such as `select count(*) from ...`"
        )
    return Decimal(str(number))


def _seen(found: list[tuple[object, ...]]) -> str:
    return repr(found[0][0]) if len(found) == 1 and len(found[0]) == 1 else f"{len(found)} rows"
