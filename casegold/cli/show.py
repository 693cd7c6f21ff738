"""`casegold show`: the rows of a partition as a version published them. It changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, as_date, as_instant
from casegold.cli.output import TABLE, Output, listed
from casegold.cli.values import cell
from casegold.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date, datetime

    from casegold.runtime.platform import Platform


@click.command()
@click.argument("dataset", type=DATASET)
@click.option("--partition", required=True, help="A date, or the month of a monthly dataset: 2026-03-01 or 2026-03.")
@click.option("--version", type=int, help="As of this version; default: the newest.")
@click.option(
    "--as-known-at", "known_at", help="As official at this instant (with time zone), or at the end of this date."
)
@click.option("--shadow", metavar="ID", help="The rows that this shadow computed; they are not official.")
@click.option("--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Skip the first N rows.")
@listed(limit=50, csv_too=True)
def show(
    dataset: str,
    partition: str,
    version: int | None,
    known_at: str | None,
    shadow: str | None,
    offset: int,
    out: Output,
) -> None:
    """Print the rows of a partition as a version published them, from the files recorded for that version.

    Rows are sorted by the dataset's key. If the table is wider than the terminal, each row is a block of lines; use
    --columns to choose columns that fit.

    \b
    Examples:
      casegold show gold/case_daily_snapshot --partition 2026-03-01
      casegold show gold/case_daily_snapshot --partition 2026-03-01 --columns case_id,status,priority
      casegold show gold/case_daily_snapshot --partition 2026-03-01 --offset 50 --limit 50
      casegold show reports/enforcement_report --partition 2026-03 --version 1 --format csv
      casegold show gold/case_daily_snapshot --partition 2026-03-01 --as-known-at 2026-03-10
    """
    from casegold.jobs.views import engine  # noqa: PLC0415 - loads DuckDB
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    if sum(each is not None for each in (version, known_at, shadow)) > 1:
        raise click.UsageError("give only one of --version, --as-known-at and --shadow")
    platform = open_platform()
    contract = platform.contracts[dataset]
    key = contract.partition_of(as_date(partition))
    instant = None if known_at is None else as_instant(known_at, platform.calendar)
    if shadow is not None:
        chosen, paths = _of_shadow(platform, dataset, shadow, key)
    else:
        chosen, paths = _of_version(platform, dataset, key, version, instant)
    with engine(platform) as connection:
        platform.lake.register_files(connection, "version_rows", dataset, paths)
        rows = connection.table("version_rows").to_arrow_table()
    rows = rows.sort_by([(name, "ascending") for name in contract.key])
    if offset and offset >= rows.num_rows:
        raise ConfigurationError(f"{dataset} {key} has {rows.num_rows} rows", remedy="give a smaller --offset")
    part = rows.slice(offset, out.limit)
    title = f"{dataset} {key}: {chosen}, {rows.num_rows} rows"
    replace(out, limit=None).rows(
        title, rows.column_names, (row.values() for row in part.to_pylist()), empty="No rows."
    )
    left = rows.num_rows - offset - part.num_rows
    if left and out.form == TABLE:
        click.echo(f"{left:,} more rows: --offset {offset + part.num_rows} continues, --limit shows more", err=True)


def _of_version(
    platform: Platform, dataset: str, key: date, version: int | None, instant: datetime | None
) -> tuple[str, list[str]]:
    """A label with the official version and its quality, and the paths of its files."""
    from casegold.control.versions import listing  # noqa: PLC0415 - loads the database's client
    from casegold.control.versions.model import short_id  # noqa: PLC0415

    with platform.control.read() as connection:
        found = listing.partition_as_of(connection, dataset, key, version, instant)
        paths = [row["file_path"] for row in listing.files(connection, dataset, found["version"], key)]
    chosen = short_id(dataset, found["version"])
    if instant is not None:
        click.echo(f"At {cell(instant)} {chosen} was official, published {cell(found['completed_at'])}.", err=True)
    return f"{chosen}, {found['quality_status']}", paths


def _of_shadow(platform: Platform, dataset: str, shadow: str, key: date) -> tuple[str, list[str]]:
    """A label with the shadow's request id, and the paths of its files."""
    from casegold.control.changes import approvals, shadows  # noqa: PLC0415 - loads the database's client

    request = approvals.find(platform.control, shadow).backfill_run_id
    with platform.control.read() as connection:
        found = shadows.readable(connection, dataset, request)
    paths = [file.path for each in found.partitions if each.figures.key == key for file in each.files]
    return f"shadow {request}, not official", paths


commands = (show,)
