"""Checks on the rows alone: contract schema, unique keys, and row rules written as expressions.

Each judges many partitions in one pass and assigns failures by the partition column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandera.polars as pandera
import polars as pl
from pandera.errors import SchemaErrors

from casegold.domain.columns import Column, ColumnKind
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, CheckStatus, by_partition, digest_of_texts, outcome

_POLARS: dict[ColumnKind, Any] = {
    ColumnKind.STRING: pl.String,
    ColumnKind.INT: pl.Int32,
    ColumnKind.LONG: pl.Int64,
    ColumnKind.BOOLEAN: pl.Boolean,
    ColumnKind.DATE: pl.Date,
    ColumnKind.TIMESTAMPTZ: pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule for single rows; `bad` is true for a row that violates it."""

    name: str
    bad: pl.Expr


def frame_schema(contract: DatasetContract) -> pandera.DataFrameSchema:
    """The contract's columns as a pandera schema: exactly these, in this order, without coercion."""
    return pandera.DataFrameSchema(
        {column.name: _pandera_column(column) for column in contract.columns}, strict=True, ordered=True
    )


def check_schema(
    contract: DatasetContract, frame: pl.DataFrame, partitions: Sequence[date], *, required: bool = True
) -> tuple[CheckResult, ...]:
    """Columns, types, nulls and allowed values are right, and every row belongs to one of `partitions`.

    A failure of the frame as a whole (an extra column, a wrong type, a row of another partition) fails every
    partition, because it cannot be assigned to one.
    """
    expected = "the contract's columns, types and values"
    causes = _schema_failures(contract, frame)
    whole = [f"{c}: {problem}" for c, problem, index in causes.iter_rows() if index is None]
    column = str(contract.partition_column)
    if column in frame.columns and frame.schema[column] == pl.Date:
        # Not `is_in` alone: it returns null for a null, not false.
        outside = frame.filter(~pl.col(column).is_in(list(partitions)).fill_null(value=False)).height
        if outside:
            whole.append(f"{column}: {outside} rows lie in none of the partitions judged")
    else:
        whole.append(f"{column}: no usable partition column")
    if whole:
        return tuple(_whole_failed(day, required, expected, whole) for day in partitions)
    keys = frame.select(pl.col(column), *_key_columns(contract, frame)).with_row_index("index")
    bad = (
        causes.drop_nulls("index")
        .join(keys.with_columns(pl.col("index").cast(pl.Int64)), on="index", how="inner")
        .group_by(column, *_key_columns(contract, frame), "index", maintain_order=True)
        .agg(pl.format("{}: {}", "column", "problem").str.join("; ").alias("problem"))
        .sort(column, "index")
        .drop("index")
    )
    return tuple(
        outcome("schema", day, required=required, bad=rows, expected=expected)
        for day, rows in by_partition(bad, column, partitions).items()
    )


def check_unique_key(
    contract: DatasetContract, frame: pl.DataFrame, partitions: Sequence[date], *, required: bool = True
) -> tuple[CheckResult, ...]:
    """No two rows have the same key. A failure is a key, however many rows share it."""
    column = str(contract.partition_column)
    bad = frame.group_by(*contract.key).len("rows").filter(pl.col("rows") > 1).sort(*contract.key)
    return tuple(
        outcome("unique_key", day, required=required, bad=rows, expected="every key once")
        for day, rows in by_partition(bad, column, partitions).items()
    )


def check_rules(
    check: str,
    contract: DatasetContract,
    frame: pl.DataFrame,
    partitions: Sequence[date],
    rules: Sequence[RowRule],
    *,
    required: bool,
    columns: Sequence[str] = (),
) -> tuple[CheckResult, ...]:
    """One check of several row rules. A failure is a row that violates any rule; the detail counts rows per rule.

    Args:
        columns: shown in the sample in addition to the key.
    """
    column = str(contract.partition_column)
    bad = frame.filter(pl.any_horizontal(rule.bad for rule in rules))
    broken = pl.concat_list(
        pl.when(rule.bad).then(pl.lit(rule.name)).otherwise(pl.lit(None, dtype=pl.String)) for rule in rules
    ).list.drop_nulls()
    shown = [name for name in (*contract.key, *columns) if name in frame.columns]
    bad = bad.select(*dict.fromkeys(shown), broken.list.join(", ").alias("rules")).sort(*contract.key)
    expected = f"{len(rules)} rules hold for every row"
    return tuple(
        outcome(check, day, required=required, bad=rows, expected=expected, detail=_by_rule(rows))
        for day, rows in by_partition(bad, column, partitions).items()
    )


def _pandera_column(column: Column) -> Any:
    checks = []
    if column.values:
        checks.append(pandera.Check.isin(list(column.values)))
    if column.minimum is not None:
        checks.append(pandera.Check.ge(column.minimum))
    kind = column.type.kind
    dtype = pl.Decimal(column.type.precision, column.type.scale) if kind is ColumnKind.DECIMAL else _POLARS[kind]
    return pandera.Column(dtype, checks=checks, nullable=not column.required)


def _schema_failures(contract: DatasetContract, frame: pl.DataFrame) -> pl.DataFrame:
    """Column, problem and row index of every pandera failure; without an index, it concerns the whole frame."""
    if not isinstance(frame, pl.DataFrame):
        # pandera accepts a lazy frame without checking its values.
        raise InvariantBroken("the gate judges eager frames only", remedy="collect the frame first")
    found = {"column": pl.String, "problem": pl.String, "index": pl.Int64}
    try:
        frame_schema(contract).validate(frame, lazy=True)
    except SchemaErrors as errors:
        failures: pl.DataFrame = errors.failure_cases
        return failures.select(
            pl.coalesce("column", "failure_case").alias("column"),
            pl.format("{} ({})", "check", pl.col("failure_case").fill_null("null")).alias("problem"),
            pl.col("index").cast(pl.Int64),
        )
    return pl.DataFrame(schema=found)


def _whole_failed(day: date, required: bool, expected: str, problems: list[str]) -> CheckResult:
    return CheckResult(
        "schema",
        day,
        required,
        CheckStatus.FAILED,
        failures=len(problems),
        expected=expected,
        actual="; ".join(problems[:3]),
        sample=tuple({"problem": problem} for problem in problems[:10]),
        detail="applies to the whole range that was judged",
        reads=digest_of_texts(sorted(problems)),
    )


def _key_columns(contract: DatasetContract, frame: pl.DataFrame) -> list[str]:
    return [name for name in contract.key if name != contract.partition_column and name in frame.columns]


def _by_rule(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return ""
    counts = rows.select(pl.col("rules").str.split(", ").explode()).group_by("rules").len().sort("rules")
    return ", ".join(f"{rule}: {count}" for rule, count in counts.iter_rows())
