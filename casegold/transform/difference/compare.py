"""Compares two sets of rows of one dataset: by key, by column, and in sums.

Rows are compared as typed values with set operations, so that only rows that differ are compared column by column.
Not here: which rows to compare (`jobs.difference`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
from duckdb import ColumnExpression, FunctionExpression

from casegold.domain.columns import ColumnKind
from casegold.domain.contract import DatasetContract
from casegold.domain.difference import Cells, ColumnDifference, RowDifference
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import load

SQL = "casegold.transform.difference"
NUMBERS = frozenset({ColumnKind.INT, ColumnKind.LONG, ColumnKind.DECIMAL})
ALL_ROWS = 2**62
FETCHED = 1_000
TEXT = duckdb.type("VARCHAR")


class Comparison:
    """Collects the rows that differ, in any number of steps; keys are unique on each side.

    The connection's time zone must be UTC, because instants become text in it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: DatasetContract) -> None:
        if contract.partition_column is None:
            raise ConfigurationError(f"{contract.dataset} has no partitions: it has no versions to compare")
        self._connection = connection
        self._contract = contract
        self._partition: str = contract.partition_column
        self._names = [column.name for column in contract.columns]
        self._key = [name for name in contract.key if name != self._partition]
        self._values = [name for name in self._names if name not in contract.key]
        connection.register("no_rows", contract.arrow_schema().empty_table())
        for name in ("only_before", "only_after"):
            connection.table("no_rows").create(name)

    def add(self, before: str, after: str) -> None:
        """Compare the rows of two views. All rows with one key must be added in the same step.

        Raises:
            ConfigurationError: a view lacks a column of the contract.
        """
        for view, name in ((before, "before_rows"), (after, "after_rows")):
            rows = self._connection.table(view)
            missing = sorted(set(self._names) - set(rows.columns))
            if missing:
                raise ConfigurationError(
                    f"rows of {self._contract.dataset} have no column {missing[0]}: they follow another contract",
                    remedy="compare versions of one contract version; `casegold show` prints each",
                )
            rows.select(*self._names).create_view(name, replace=True)
        self._connection.execute(load(SQL, "rows_before"))
        self._connection.execute(load(SQL, "rows_after"))

    def match(self) -> None:
        """Join the collected rows by key. Call it once, after the last `add`."""
        for source, name in (("only_before", "cells_before"), ("only_after", "cells_after")):
            self._connection.table(source).select(
                ColumnExpression(self._partition).alias("partition_key"),
                _texts(self._key).alias("key"),
                _texts(self._values).alias("cells"),
            ).create_view(name, replace=True)
        self._connection.execute(load(SQL, "changed_rows"))

    def counts(self) -> dict[date, tuple[int, int, int]]:
        """Numbers of rows added, removed and changed, for each partition in which a row differs."""
        found = self._connection.execute(load(SQL, "changed_counts")).fetchall()
        return {key: (added, removed, changed) for key, added, removed, changed in found}

    def columns(self) -> tuple[ColumnDifference, ...]:
        """Every column outside the key, in contract order."""
        changed: dict[int, int] = dict(self._connection.execute(load(SQL, "changed_columns")).fetchall())
        before, after = self._sums("only_before"), self._sums("only_after")
        return tuple(
            ColumnDifference(name, changed.get(place, 0), before.get(name), after.get(name))
            for place, name in enumerate(self._values, start=1)
        )

    def rows(self, limit: int = ALL_ROWS) -> Iterator[RowDifference]:
        """The rows that differ, sorted by partition and key (as text). Read one result at a time."""
        found = self._connection.execute(load(SQL, "changed_sample"), {"limit": limit})
        while some := found.fetchmany(FETCHED):
            for partition, key, before, after in some:
                yield RowDifference(partition, _named(self._key, key), self._cells(before), self._cells(after))

    def _cells(self, cells: Sequence[str | None] | None) -> Cells | None:
        return None if cells is None else _named(self._values, cells)

    def _sums(self, table: str) -> Mapping[str, Decimal]:
        numbers = [name for name in self._values if self._contract.column(name).type.kind in NUMBERS]
        if not numbers:
            return {}
        sums = [FunctionExpression("sum", ColumnExpression(name)).alias(name) for name in numbers]
        row: tuple[Any, ...] | None = self._connection.table(table).aggregate(sums).fetchone()
        return {name: Decimal(0 if value is None else value) for name, value in zip(numbers, row or (), strict=True)}


def _texts(names: Sequence[str]) -> duckdb.Expression:
    return FunctionExpression("list_value", *(ColumnExpression(name).cast(TEXT) for name in names))


def _named(names: Sequence[str], values: Sequence[str | None]) -> Cells:
    return dict(zip(names, values, strict=True))
