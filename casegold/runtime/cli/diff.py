"""`casegold diff`: what differs between two versions of a dataset. It changes nothing."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from casegold.runtime.cli.read import as_date, as_json
from casegold.runtime.cli.tables import show
from casegold.runtime.platform import open_platform

if TYPE_CHECKING:
    from decimal import Decimal

    from casegold.domain.difference import CellDifference, Difference
    from casegold.runtime.difference import Wanted
    from casegold.runtime.platform import Platform


@click.command()
@click.argument("dataset")
@click.argument("before", type=int, metavar="V1")
@click.argument("after", type=int, metavar="V2")
@click.option("--partition", help="Only this date or month.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--limit", default=50, show_default=True, help="Rows of table and json; csv has all, counts are exact.")
def diff(dataset: str, before: int, after: int, partition: str | None, form: str, limit: int) -> None:
    """Tell what differs between two versions of DATASET: rows by key, values before and after, sums.

    A partition as of a version is what was official for it once that version was published.
    """
    from casegold.runtime.difference import Wanted, between  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    key = None if partition is None else platform.contracts[dataset].partition_of(as_date(partition))
    wanted = Wanted(dataset, before, after, key)
    if form == "csv":
        _write_csv(platform, wanted)
        return
    found = between(platform, wanted, limit)
    if form == "json":
        click.echo(json.dumps(_as_dictionary(found), default=as_json, indent=2))
    else:
        _print(found)


def _print(found: Difference) -> None:
    show(
        f"{found.dataset}: {len(found.partitions)} partitions differ between versions {found.before} and {found.after}",
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
        empty=f"{found.dataset}: versions {found.before} and {found.after} do not differ.",
    )
    if not found.partitions:
        return
    show(
        "\nColumns (sums: over the rows that differ)",
        ("column", "rows changed#", "sum before#", "sum after#", "difference#"),
        (
            (
                each.name,
                each.changed,
                _plain(each.sum_before),
                _plain(each.sum_after),
                None
                if each.sum_before is None or each.sum_after is None
                else f"{each.sum_after - each.sum_before:+,f}",
            )
            for each in found.columns
            if each.is_apart
        ),
        empty="No value of a row that both versions have differs.",
    )
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


def _values(cell: CellDifference) -> tuple[str, str | None, str | None]:
    return cell.column, cell.before, cell.after


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:,f}"


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


def _write_csv(platform: Platform, wanted: Wanted) -> None:
    """A line for each value that differs, by RFC 4180; what has no value is empty."""
    from casegold.runtime.difference import rows  # noqa: PLC0415 - loads Iceberg

    contract = platform.contracts[wanted.dataset]
    keys = [name for name in contract.key if name != contract.partition_column]
    out = csv.writer(sys.stdout)
    out.writerow(["partition", *keys, "change", "column", "before", "after"])
    for row in rows(platform, wanted):
        for cell in row.cells:
            out.writerow(
                [row.partition, *row.key.values(), row.change, *("" if v is None else v for v in _values(cell))]
            )


commands = (diff,)
