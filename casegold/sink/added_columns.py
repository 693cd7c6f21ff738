"""Columns that a contract adds to a table that has rows: the table's schema grows, its files stay as they are.

Older rows are null in these columns, for every reader. Not here: creating a table (`lake`), and the effect on published
figures (docs/adding-a-column.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from casegold.domain.errors import CommitUnknown, ConfigurationError
from casegold.domain.failpoints import durable

ROUNDS = 20
"""Commits to try. A try fails only when another writer's commit came first."""


def with_columns(dataset: str, table: Table, schema: pa.Schema, load: Callable[[], Table]) -> Table:
    """The table with every column of its contract; those that it lacks are added in one commit.

    Args:
        schema: the contract's columns.
        load: the table as it is now.

    Raises:
        ConfigurationError: the table cannot become what the contract says without a change of rows that are there.
        CommitUnknown: other writers' commits came first every time.
    """
    for pause in range(ROUNDS):
        added = _added(dataset, _names(table), schema)
        if not added:
            return table
        try:
            with durable("column-add"), table.transaction() as transaction, transaction.update_schema() as update:
                update.union_by_name(schema)
        except CommitFailedException:
            time.sleep(0.02 * pause)
        table = load()
    raise CommitUnknown(f"{dataset} did not take the column {added[0]}", remedy="try again later")


def have_same_columns(files: Sequence[DataFile]) -> bool:
    """Whether no file is older than a column of another one, by what the table's metadata say of each."""
    return len({frozenset(file.column_sizes or ()) for file in files}) <= 1


def completed(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, schema: pa.Schema
) -> duckdb.DuckDBPyRelation:
    """The rows with every column of the contract, null where no file has it."""
    empty = connection.from_arrow(schema.empty_table())
    lacking = {name: kind for name, kind in zip(empty.columns, empty.types, strict=True) if name not in rows.columns}
    if not lacking:
        return rows
    nulls = [ConstantExpression(None).cast(kind).alias(name) for name, kind in lacking.items()]
    return rows.project(*(ColumnExpression(name) for name in rows.columns), *nulls)


def _names(table: Table) -> list[str]:
    return [field.name for field in table.schema().fields]


def _added(dataset: str, present: Sequence[str], schema: pa.Schema) -> list[str]:
    """The contract's columns that the table lacks. Raises ConfigurationError."""
    gone = [name for name in present if name not in schema.names]
    if gone:
        raise ConfigurationError(
            f"the table of {dataset} has the column {gone[0]!r}, which its contract does not have",
            remedy="put the column back into the contract, or run the release whose contract has it",
        )
    added = [name for name in schema.names if name not in present]
    if schema.names != [*present, *added]:
        raise ConfigurationError(
            f"the contract of {dataset} has its columns in another order than its table: {', '.join(schema.names)}",
            remedy=f"put new columns after {present[-1]!r}, the table's last one: digests of rows depend on the order",
        )
    required = [name for name in added if not schema.field(name).nullable]
    if required:
        raise ConfigurationError(
            f"the contract of {dataset} adds the required column {required[0]!r} to a table that has rows",
            remedy="leave out `required: true`: rows that were written before have no value there",
        )
    return added
