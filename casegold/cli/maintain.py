"""`casegold maintain`: compaction, snapshot expiry and orphan removal for the lake's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET
from casegold.cli.output import Output, listed
from casegold.cli.values import Below
from casegold.control.runs.claimed_tables import claim_of, maintained_claims, tables_of
from casegold.domain.errors import ConfigurationError, Deferred

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform
    from casegold.sink.orphans import Orphan

COLUMNS = (
    "table",
    "branches removed#",
    "files joined#",
    "into#",
    "partitions left#",
    "manifests merged#",
    "tags changed#",
    "snapshots expired#",
    "kept#",
    "orphans#",
    "bytes#",
    "note",
)
ASKED_BY = "casegold maintain"

Row = tuple[str | int | None, ...]


@click.command()
@click.argument("dataset", type=DATASET, required=False)
@click.option("--dry-run", is_flag=True, help="Only show what would be done, and list orphan files.")
@listed()
def maintain(dataset: str | None, dry_run: bool, out: Output) -> None:
    """Compact small files, merge manifests, expire old snapshots, delete orphan files. Every version stays readable.

    Without DATASET, all tables are maintained. Tables that are written together are maintained together; tables with
    an open run are skipped. docs/maintenance.md lists the retention times.

    \b
    Examples:
      casegold maintain --dry-run
      casegold maintain silver/case_events
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    with platform.control.read() as connection:
        known = maintained_claims(connection, platform.contracts)
    wanted = known if dataset is None else (_claim(known, dataset),)
    if dry_run:
        _preview(platform, wanted, out)
        return
    rows = [row for claim in wanted for row in _maintain(platform, claim)]
    out.rows("Maintenance", COLUMNS, rows, empty="nothing to maintain")


def _claim(known: Sequence[str], dataset: str) -> str:
    claim = claim_of(dataset)
    if claim not in known:
        tables = (table for each in known for table in tables_of(each))
        raise ConfigurationError(f"there is no table {dataset}", remedy=f"the tables are {', '.join(tables)}")
    return claim


def _maintain(platform: Platform, claim: str) -> Iterator[Row]:
    from casegold.operations import nightly_maintenance  # noqa: PLC0415 - with the platform

    try:
        done = nightly_maintenance.maintain(platform, claim, ASKED_BY, ASKED_BY)
    except Deferred as deferred:
        yield from ((table, *[None] * (len(COLUMNS) - 2), deferred.message) for table in tables_of(claim))
        return
    for table, each in done.items():
        yield (table, *astuple(each), None)


def _preview(platform: Platform, wanted: tuple[str, ...], out: Output) -> None:
    from casegold.jobs.maintenance import preview  # noqa: PLC0415 - with the platform

    found = {table: preview(platform, table, claim) for claim in wanted for table in tables_of(claim)}
    out.rows(
        "Maintenance would",
        (*COLUMNS, "orphan files"),
        ((table, *astuple(each.would_do), "not done", _orphans(table, each.orphans)) for table, each in found.items()),
        empty="nothing to maintain",
    )
    if not any(each.orphans for each in found.values()):
        out.say("no orphan files")


def _orphans(table: str, orphans: Sequence[Orphan]) -> Below:
    files = [(file.path, file.bytes, file.written_at) for file in orphans]
    return Below(f"Orphan files of {table}", ("file", "bytes#", "written at"), files)


commands = (maintain,)
