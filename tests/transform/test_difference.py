"""What differs between two sets of rows, against plain Python over dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.columns import Column, ColumnKind
from casegold.domain.difference import RowDifference
from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import load_contracts
from casegold.transform.difference.compare import Comparison

CONTRACTS = load_contracts(Path(__file__).parents[2] / "contracts" / "datasets")
DATASETS = ("gold/case_daily_snapshot", "reports/enforcement_report")
DAYS = [date(2026, 3, 1), date(2026, 3, 2)]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = {ColumnKind.INT, ColumnKind.LONG, ColumnKind.DECIMAL}

Rows = dict[tuple[Any, ...], dict[str, Any]]


def value_of(column: Column, number: int) -> Any:
    """One of a few values of a column; the first is null where that is allowed."""
    if number == 0 and not column.required:
        return None
    values: dict[ColumnKind, Any] = {
        ColumnKind.STRING: ["", "a", "null"][number],
        ColumnKind.INT: number - 1,
        ColumnKind.LONG: number * 2**40,
        ColumnKind.BOOLEAN: number == 1,
        ColumnKind.DATE: date(2026, 1, 1 + number),
        ColumnKind.TIMESTAMPTZ: NOON + timedelta(microseconds=number),
        ColumnKind.DECIMAL: Decimal(number) / 4,
    }
    return values[column.type.kind]


def text_of(value: Any) -> str | None:
    """As DuckDB writes it in UTC."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        fraction = f".{value.microsecond:06d}".rstrip("0").rstrip(".")
        return f"{value:%Y-%m-%d %H:%M:%S}{fraction}+00"
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


@st.composite
def two_sides(draw: st.DrawFn, dataset: str) -> tuple[Rows, Rows]:
    """Two sets of rows over the same few keys; some rows are the same on both sides."""
    contract = CONTRACTS[dataset]
    numbers = st.lists(st.integers(0, 2), min_size=len(contract.columns), max_size=len(contract.columns))
    sides: tuple[Rows, Rows] = ({}, {})
    for number in range(draw(st.integers(0, 6))):
        drawn = draw(numbers)
        other = draw(st.one_of(st.just(drawn), numbers))
        for side, values in zip(sides, (drawn, other), strict=True):
            if draw(st.integers(0, 4)):
                row = {
                    column.name: value_of(column, each) for column, each in zip(contract.columns, values, strict=True)
                }
                names = [name for name in contract.key if name != contract.partition_column]
                row |= dict.fromkeys(names, f"key {number}") | {str(contract.partition_column): DAYS[number % 2]}
                side[tuple(row[name] for name in contract.key)] = row
    return sides


def compared(dataset: str, before: Rows, after: Rows) -> Comparison:
    contract = CONTRACTS[dataset]
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    comparison = Comparison(connection, contract)
    for day in DAYS:  # a step for each partition
        for name, rows in (("b", before), ("a", after)):
            of_day = [row for row in rows.values() if row[str(contract.partition_column)] == day]
            connection.register(name, pa.Table.from_pylist(of_day, schema=contract.arrow_schema()))
        comparison.add("b", "a")
    comparison.match()
    return comparison


def expected_rows(dataset: str, before: Rows, after: Rows) -> Iterator[RowDifference]:
    contract = CONTRACTS[dataset]
    partition = str(contract.partition_column)

    def cells(row: dict[str, Any] | None) -> dict[str, str | None] | None:
        return None if row is None else {n: text_of(v) for n, v in row.items() if n not in contract.key}

    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            named = {name: str(value) for name, value in zip(contract.key, key, strict=True) if name != partition}
            yield RowDifference((old or new or {})[partition], named, cells(old), cells(new))


@pytest.mark.parametrize("dataset", DATASETS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_it_finds_what_plain_python_finds(dataset: str, data: st.DataObject) -> None:
    before, after = data.draw(two_sides(dataset))
    contract = CONTRACTS[dataset]
    comparison = compared(dataset, before, after)
    expected = list(expected_rows(dataset, before, after))

    assert list(comparison.rows()) == expected
    assert list(comparison.rows(2)) == expected[:2]
    counts = {day: [row.change for row in expected if row.partition == day] for day in DAYS}
    assert comparison.counts() == {
        day: (changes.count("ADDED"), changes.count("REMOVED"), changes.count("CHANGED"))
        for day, changes in counts.items()
        if changes
    }

    columns = {column.name: column for column in comparison.columns()}
    assert list(columns) == [column.name for column in contract.columns if column.name not in contract.key]
    differ = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    for name, column in columns.items():
        both = [key for key in differ if key in before and key in after]
        assert column.changed == sum(before[key][name] != after[key][name] for key in both)
        if contract.column(name).type.kind in NUMBERS:
            assert column.sum_before == sum(before[key][name] or 0 for key in differ if key in before)
            assert column.sum_after == sum(after[key][name] or 0 for key in differ if key in after)
        else:
            assert column.sum_before is None and column.sum_after is None


def test_only_what_differs_in_a_row_is_told() -> None:
    cells = {"status": "OPEN", "team": None, "decision": None}
    changed = RowDifference(DAYS[0], {"case_id": "c"}, cells, cells | {"status": "CLOSED", "team": "x"})
    assert [(cell.column, cell.before, cell.after) for cell in changed.cells] == [
        ("status", "OPEN", "CLOSED"),
        ("team", None, "x"),
    ]
    added = RowDifference(DAYS[0], {"case_id": "c"}, None, cells)
    assert added.change == "ADDED"
    assert [(cell.column, cell.before, cell.after) for cell in added.cells] == [("status", None, "OPEN")]


def test_rows_of_another_contract_are_refused() -> None:
    contract = CONTRACTS[DATASETS[1]]
    connection = duckdb.connect()
    comparison = Comparison(connection, contract)
    connection.register("b", contract.arrow_schema().empty_table())
    connection.register("a", contract.arrow_schema().empty_table().drop_columns(["unit"]))
    with pytest.raises(ConfigurationError, match="no column unit"):
        comparison.add("b", "a")
