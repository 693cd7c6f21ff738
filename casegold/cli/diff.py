"""`casegold diff`: compare two versions of a dataset. It changes nothing."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, as_date
from casegold.cli.output import CSV, JSON, Output, csv_cell, described
from casegold.cli.tables import show
from casegold.cli.values import Below, Signed
from casegold.control.changes import approvals
from casegold.runtime.platform import open_platform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from casegold.domain.difference import CellDifference, ColumnDifference, Difference
    from casegold.jobs.difference import Wanted, WantedShadow
    from casegold.runtime.platform import Platform


@click.command()
@click.argument("dataset", type=DATASET)
@click.argument("before", type=int, metavar="[V1]", required=False)
@click.argument("after", type=int, metavar="[V2]", required=False)
@click.option("--shadow", metavar="ID", help="Instead of two versions, compare this shadow with the official rows.")
@click.option("--partition", help="Only this date or month.")
@described(limit=50, csv_too=True)
def diff(
    dataset: str,
    before: int | None,
    after: int | None,
    shadow: str | None,
    partition: str | None,
    out: Output,
) -> None:
    """Compare versions V1 and V2 of DATASET: rows by key, values before and after, sums.

    Each side is the whole dataset as it was official right after that version was published.

    \b
    Examples:
      casegold diff gold/case_daily_snapshot 1 2
      casegold diff gold/case_daily_snapshot 1 2 --partition 2026-03-01 --limit 10
      casegold diff gold/case_daily_snapshot --shadow bf_8c01 --format csv
    """
    from casegold.jobs.difference import between  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    key = None if partition is None else platform.contracts[dataset].partition_of(as_date(partition))
    wanted = _wanted(platform, dataset, (before, after), shadow, key)
    if out.form == CSV:
        _write_csv(platform, dataset, wanted, raw=out.raw)
        return
    found = between(platform, wanted, out.limit or 0)
    if out.form == JSON:
        out.document(_as_dictionary(found))
    else:
        _print(found)


def _wanted(
    platform: Platform, dataset: str, sides: tuple[int | None, int | None], shadow: str | None, key: date | None
) -> Wanted | WantedShadow:
    from casegold.jobs.difference import Wanted, WantedShadow  # noqa: PLC0415 - loads Iceberg

    before, after = sides
    if shadow is not None and before is None:
        return WantedShadow(dataset, approvals.find(platform.control, shadow).backfill_run_id, key)
    if before is None or after is None or shadow is not None:
        raise click.UsageError("give two versions, or one --shadow")
    return Wanted(dataset, before, after, key)


def _name(side: int | str) -> str:
    return f"version {side}" if isinstance(side, int) else side


def _print(found: Difference) -> None:
    sides = f"{_name(found.before)} and {_name(found.after)}"
    show(
        f"{found.dataset}: {len(found.partitions)} partitions differ between {sides}",
        ("partition", "before#", "after#", "rows before#", "rows after#", "added#", "removed#", "changed#"),
        (
            (
                each.key,
                each.version_before,
                each.version_after,
                each.rows_before,
                each.rows_after,
                each.added,
                each.removed,
                each.changed,
            )
            for each in found.partitions
        ),
        empty=f"{found.dataset}: no row differs between {sides}.",
    )
    if not found.partitions:
        return
    columns = columns_below(found.columns)
    none = "Rows that exist in both versions do not differ."
    show(f"\n{columns.title}", columns.columns, columns.rows, empty=none)
    show(
        f"\n{len(found.sample)} of {found.rows:,} rows that differ",
        ("partition", "key", "change", "column", "before", "after"),
        (
            (row.partition, " ".join(str(value) for value in row.key.values()), row.change, *_values(cell))
            for row in found.sample
            for cell in row.cells
        ),
        empty="",
    )


def columns_below(columns: Sequence[ColumnDifference]) -> Below:
    """The columns in which rows differ, and by how much, as a table."""
    return Below(
        "Columns (sums: over the rows that differ)",
        ("column", "rows changed#", "sum before#", "sum after#", "difference#"),
        [
            (
                each.name,
                each.changed,
                each.sum_before,
                each.sum_after,
                None if each.sum_before is None or each.sum_after is None else Signed(each.sum_after - each.sum_before),
            )
            for each in columns
            if each.differs
        ],
    )


def _values(cell: CellDifference) -> tuple[str, str | None, str | None]:
    return cell.column, cell.before, cell.after


def _as_dictionary(found: Difference) -> dict[str, object]:
    return {
        "dataset": found.dataset,
        "before": found.before,
        "after": found.after,
        "partitions": [asdict(each) for each in found.partitions],
        "columns": [asdict(each) for each in found.columns],
        "rowsThatDiffer": found.rows,
        "rows": [
            {
                "partition": row.partition,
                "key": row.key,
                "change": row.change,
                "cells": {cell.column: {"before": cell.before, "after": cell.after} for cell in row.cells},
            }
            for row in found.sample
        ],
    }


def _write_csv(platform: Platform, dataset: str, wanted: Wanted | WantedShadow, *, raw: bool) -> None:
    """Print CSV (RFC 4180) with a line for each value that differs; a null is an empty field."""
    from casegold.jobs.difference import rows  # noqa: PLC0415 - loads Iceberg

    contract = platform.contracts[dataset]
    keys = [name for name in contract.key if name != contract.partition_column]
    out = csv.writer(sys.stdout)
    out.writerow(["partition", *keys, "change", "column", "before", "after"])
    for row in rows(platform, wanted):
        for cell in row.cells:
            values = [*row.key.values(), row.change, *_values(cell)]
            out.writerow([row.partition, *(csv_cell(value, raw=raw) for value in values)])


commands = (diff,)
