"""Computes the rows of one period of a product that consists only of SQL and a contract.

The inputs have the names of `Product.view_of`. The table `period` has one row: the partition's date under the name of
the partition column, `first_date`, `last_date`, and the instants `starts_at` and `ends_at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.product import Product
from casegold.transform.sandbox import Given, Limits, Statement, execute, sandbox, statements

PERIOD = "period"
_INSTANT = pa.timestamp("us", tz="UTC")


def rows_of(
    product: Product, inputs: Mapping[str, Given], period: date, calendar: BusinessCalendar, limits: Limits
) -> pa.Table:
    """The rows of a period, sorted by the key of the contract.

    Args:
        inputs: rows by their name in SQL.

    Raises:
        ConfigurationError: the SQL is wrong, or its columns are not those of the contract.
    """
    steps = [each for step in product.rules.steps for each in _step(product, step)]
    its_period = period_of(product.contract, period, calendar)
    with sandbox({**inputs, PERIOD: lambda: its_period}, limits) as connection:
        for each in steps[:-1]:
            execute(connection, each)
        return _as_promised(product, steps[-1], execute(connection, steps[-1]).to_arrow_table())


def period_of(contract: DatasetContract, period: date, calendar: BusinessCalendar) -> pa.Table:
    """The table `period`, as the module docstring describes it."""
    first, last = contract.period(period)
    return pa.table(
        {
            str(contract.partition_column): pa.array([period], pa.date32()),
            "first_date": pa.array([first], pa.date32()),
            "last_date": pa.array([last], pa.date32()),
            "starts_at": pa.array([calendar.end_of(first - timedelta(days=1))], _INSTANT),
            "ends_at": pa.array([calendar.end_of(last)], _INSTANT),
        }
    )


def _step(product: Product, step: str) -> list[Statement]:
    file = product.folder / step
    found = statements(str(file), file.read_text(encoding="utf-8"))
    if step == product.rules.steps[-1] and found[-1].parsed.type.name != "SELECT":
        raise ConfigurationError(f"{file}: does not end with a SELECT", remedy="the last file gives the rows")
    return found


def _as_promised(product: Product, last: Statement, made: pa.Table) -> pa.Table:
    """The rows with the columns and types of the contract. The gate decides whether a null is allowed."""
    contract = product.contract
    promised = pa.schema([field.with_nullable(True) for field in contract.arrow_schema()])
    for what, names in (
        ("gives no column", [name for name in promised.names if name not in made.column_names]),
        ("gives the column", [name for name in made.column_names if name not in promised.names]),
    ):
        if names:
            raise ConfigurationError(
                f"{last.file}, line {last.line + 1}: {what} {names[0]!r}",
                remedy=f"the columns of {product.folder / 'contract.yaml'} are {', '.join(promised.names)}",
            )
    try:
        cast = made.select(promised.names).cast(promised)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigurationError(
            f"{last.file}, line {last.line + 1}: a column does not have the type of the contract: {error}",
            remedy="cast it in the SQL, or correct physicalType in the contract",
        ) from error
    return cast.sort_by([(name, "ascending") for name in contract.key])
