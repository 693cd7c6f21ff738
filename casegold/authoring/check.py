"""Validates a product without a server: its folder, its inputs among the datasets, and its rules on its samples.

A sample is a folder `samples/DATE`, where DATE is the first date of a period. It has the rows of each input as
`NAME.csv`, and the expected result as `expected.csv`. Input columns that are not in the file are null,
and so is an empty field; `""` is the empty text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import Contracts, DatasetContract, InputMapping, InputRef
from casegold.domain.errors import ConfigurationError
from casegold.domain.product import Product
from casegold.jobs.product_rules import compute, judge
from casegold.quality.custom import Judgement
from casegold.quality.results import CheckResult
from casegold.quality.verdict import GateStatus, verdict
from casegold.runtime.product_folder import PRODUCT, SAMPLES
from casegold.transform.sandbox import Limits
from casegold.transform.version import current

EXPECTED = "expected.csv"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the rules need to run: contracts, calendar and limits of DuckDB."""

    contracts: Contracts
    calendar: BusinessCalendar
    limits: Limits


@dataclass(frozen=True, slots=True)
class Tried:
    """A sample whose computed rows are the expected ones."""

    period: date
    rows: int
    results: tuple[CheckResult, ...]


def check_rules(product: Product) -> str:
    """The version of the rules. Raises ConfigurationError if their digest is not the recorded one."""
    version = current(product)
    if product.rules.versions[version.number] != version.digest:
        raise ConfigurationError(
            f"{product.folder / PRODUCT}: rules.versions: the rules are not those of version {version.number}",
            remedy=f"if nothing is published yet: `casegold product check {product.name} --record`; "
            f'else add `{version.number + 1}: "{version.digest}"` to {PRODUCT}',
        )
    return str(version)


def try_samples(product: Product, bench: Bench) -> Iterator[Tried]:
    """Run the rules and the gate on every sample.

    Raises:
        ConfigurationError: there is no sample, a file is wrong, rows differ from the expected ones, or a check fails.
    """
    folder = product.folder / SAMPLES
    found = sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    if not found:
        raise ConfigurationError(
            f"{folder}: there is no sample",
            remedy=f"add {folder}/2026-02-01 with {EXPECTED} and a CSV file for each input",
        )
    for sample in found:
        yield _try(product, bench, sample)


def _try(product: Product, bench: Bench, sample: Path) -> Tried:
    contract = product.contract
    period = _period(contract, sample)
    inputs = {
        product.view_of(ref): _input(sample / f"{product.view_of(ref)}.csv", bench.contracts[ref.dataset], ref)
        for ref in contract.inputs
    }
    made = _computed(product, inputs, period, bench)
    turned = {name: rows.take(pa.array(reversed(range(rows.num_rows)), pa.int64())) for name, rows in inputs.items()}
    if not _computed(product, turned, period, bench).equals(made):
        raise ConfigurationError(
            f"{sample}: the rules give other rows each time",
            remedy="use no time of day and no random numbers, and sort before picking rows: the result must be the same"
            " at every recomputation",
        )
    _compare(made, _read(sample / EXPECTED, contract, whole=True), sample / EXPECTED, contract)
    return Tried(period, made.num_rows, _judged(product, made, period, bench, sample))


def _computed(product: Product, inputs: dict[str, pa.Table], period: date, bench: Bench) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, rows in inputs.items():
            connection.register(name, rows)
        rows = compute(product, connection, period, bench.calendar, bench.limits)
    return rows.sort_by([(name, "ascending") for name in product.contract.key]).combine_chunks()


def _judged(product: Product, made: pa.Table, period: date, bench: Bench, sample: Path) -> tuple[CheckResult, ...]:
    contract = product.contract
    frame = pl.from_arrow(made)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table never becomes a series
    days = {day for ref in contract.inputs for day in contract.input_partitions(ref, period)}
    asked = Judgement(contract, frame, [period], {period: days}, None)
    judged = verdict(contract, judge(product, asked, bench.limits), [period])
    if judged.status(period) is GateStatus.CLOSED:
        raise ConfigurationError(
            f"{sample}: the gate refuses the rows: {'; '.join(judged.closed()[0].reasons)}",
            remedy="correct the rules, the sample, or the check in the contract",
        )
    return judged.results


def _period(contract: DatasetContract, sample: Path) -> date:
    try:
        period = date.fromisoformat(sample.name)
        return contract.period(period)[0]
    except (ValueError, ConfigurationError) as error:
        raise ConfigurationError(
            f"{sample}: the folder's name is not the first date of a {contract.partitioned_by}",
            remedy="name it like 2026-02-01",
        ) from error


def _input(file: Path, contract: DatasetContract, ref: InputRef) -> pa.Table:
    """The rows of an input. The file for the day before the period is optional: the first period has no such day."""
    if ref.mapping is InputMapping.DAY_BEFORE_PERIOD and not file.is_file():
        return _nullable(contract).empty_table()
    return _read(file, contract, whole=False)


def _read(file: Path, contract: DatasetContract, *, whole: bool) -> pa.Table:
    if not file.is_file():
        raise ConfigurationError(f"{file} is missing", remedy="add it, with a header line of columns")
    schema = _nullable(contract)
    try:
        found = pyarrow.csv.read_csv(
            file,
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise ConfigurationError(f"{file}: {error}", remedy="correct the file; row 1 is its header") from error
    unknown = [name for name in found.column_names if name not in schema.names]
    lacking = [name for name in schema.names if name not in found.column_names]
    if unknown or (whole and lacking):
        name = [*unknown, *lacking][0]
        raise ConfigurationError(
            f"{file}, line 1: the column {name!r} is {'unknown' if unknown else 'missing'}",
            remedy=f"columns of {contract.dataset}: {', '.join(schema.names)}",
        )
    for name in lacking:
        found = found.append_column(name, pa.nulls(found.num_rows, schema.field(name).type))
    return found.select(schema.names).cast(schema)


def _nullable(contract: DatasetContract) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in contract.arrow_schema()])


def _compare(made: pa.Table, expected: pa.Table, file: Path, contract: DatasetContract) -> None:
    ours, theirs = (
        {tuple(row[name] for name in contract.key): row for row in table.to_pylist()} for table in (made, expected)
    )
    differ = sorted(str(key) for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    if not differ and made.num_rows == expected.num_rows:
        return
    keys = {str(key): key for key in ours.keys() | theirs.keys()}
    first = keys[differ[0]] if differ else next(iter(ours))
    raise ConfigurationError(
        f"{file}: {len(differ)} rows differ; first {_told(first)}: computed {_row(ours, first)}, "
        f"expected {_row(theirs, first)}",
        remedy="correct the rules or the file",
    )


def _told(key: tuple[object, ...]) -> str:
    return ", ".join(_written(part) for part in key)


def _written(value: object) -> str:
    """As a reader can tell an empty text from a null."""
    return "null" if value is None else str(value) or '""'


def _row(rows: dict[tuple[object, ...], dict[str, object]], key: tuple[object, ...]) -> str:
    return ", ".join(f"{name} {_written(value)}" for name, value in rows[key].items()) if key in rows else "no such row"
