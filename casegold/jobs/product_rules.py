"""Computes, checks and renders the rows of a product: by its folder, or by its own Python code if it has some.

Not here: reading folders (`runtime.product_folder`), when a period is due (planner), publishing (`jobs.publication`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from importlib import import_module
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.product import Aggregate, Figure, Product
from casegold.jobs.outcome import Scalar
from casegold.quality.custom import Custom, Judgement, Rendered
from casegold.quality.declared import check_declared
from casegold.quality.inputs import check_inputs
from casegold.quality.results import CheckResult
from casegold.quality.rows import check_schema, check_unique_key
from casegold.runtime.settings import Settings
from casegold.transform import by_sql, default_files
from casegold.transform.evidence import ReportEvidence
from casegold.transform.sandbox import Limits

_AGGREGATES: Mapping[Aggregate, Any] = {Aggregate.SUM: pc.sum, Aggregate.MINIMUM: pc.min, Aggregate.MAXIMUM: pc.max}
_NOTHING = Custom()


def product_of(products: Sequence[Product], contract: DatasetContract) -> Product:
    """The product that makes a dataset.

    Raises:
        ConfigurationError: no product folder makes this dataset.
    """
    for product in products:
        if product.contract.dataset == contract.dataset:
            return product
    raise ConfigurationError(
        f"no product folder makes {contract.dataset}",
        remedy="is CASEGOLD_PRODUCTS_DIR still set to the folder that has this product?",
    )


def custom_of(product: Product) -> Custom:
    """The product's own Python code. Empty without `custom.py`, and for products that did not come with casegold."""
    if not product.is_ours or not (product.folder / "custom.py").is_file():
        return _NOTHING
    found: Custom = import_module(f"products.{product.name}.custom").CUSTOM
    return found


def headline(product: Product, table: pa.Table, period: date) -> Mapping[str, Scalar]:
    """The key figures of one partition, for its page in the UI."""
    own = custom_of(product).headline
    return own(table, period) if own else {each.name: figure_of(each, table) for each in product.figures}


def figure_of(figure: Figure, table: pa.Table) -> Scalar:
    """One figure of a period's rows. Without rows, a sum is 0, and a minimum or maximum is a dash."""
    value = _AGGREGATES[figure.aggregate](table[figure.column]).as_py()
    if value is None:
        return 0 if figure.aggregate is Aggregate.SUM else "\N{EN DASH}"
    return value if isinstance(value, int) else str(value)


def judge(product: Product, asked: Judgement, limits: Limits) -> Sequence[CheckResult]:
    """The results of every check of the contract for every period."""
    contract, rows, partitions = asked.contract, asked.rows, asked.partitions
    declared = check_declared(contract, rows, partitions, limits)
    own = custom_of(product).judge
    if own is not None:
        return (*own(asked), *declared)
    rules = {check.name: check.required for check in contract.checks}
    schema = check_schema(contract, rows, partitions, required=rules["schema"])
    inputs = check_inputs(
        contract, partitions, asked.days_read, asked.register_start, required=rules["inputs_complete"]
    )
    unique = check_unique_key(contract, rows, partitions, required=rules["unique_key"])
    return (*schema, *inputs, *unique, *declared)


def render(
    product: Product, contract: DatasetContract, table: pa.Table, evidence: ReportEvidence
) -> Sequence[Rendered]:
    """The files that are published with the rows of one period."""
    if not product.has_files:
        return ()
    own = custom_of(product).render
    if own is not None:
        return own(table, evidence)
    name = default_files.stem(product, contract, evidence.month)
    page = default_files.render_html(product, contract, table, headline(product, table, evidence.month), evidence)
    return (
        Rendered(f"{name}.csv", "text/csv", default_files.render_csv(contract, table)),
        Rendered(f"{name}.html", "text/html", page.encode()),
    )


def compute(
    product: Product, connection: duckdb.DuckDBPyConnection, period: date, calendar: BusinessCalendar, limits: Limits
) -> pa.Table:
    """The rows of one period. The connection must have the inputs as views.

    Raises:
        ConfigurationError: the product's SQL is wrong.
    """
    own = custom_of(product).compute
    if own is not None:
        return own(connection, period, calendar)
    views = {product.view_of(ref) for ref in product.contract.inputs}
    inputs = {view: connection.table(view).to_arrow_reader for view in sorted(views)}
    return by_sql.rows_of(product, inputs, period, calendar, limits)


def limits_of(settings: Settings) -> Limits:
    """The memory, threads and spill folder that a product's SQL may use."""
    return Limits(settings.duckdb_memory_limit, settings.duckdb_threads, settings.home / "spill")
