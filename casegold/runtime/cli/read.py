"""Commands that look: versions, show, runs, holds, plan. They change nothing."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime

import click
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.csv_text import safe_cell
from casegold.manifest import approvals, listing, planner, shadows
from casegold.manifest.decisions import Due
from casegold.manifest.versions import short_id
from casegold.runtime.cli.tables import cell, span
from casegold.runtime.cli.tables import show as show_table
from casegold.runtime.jobs.facts import engine
from casegold.runtime.platform import Platform, open_platform

SHORT_ID = 12
"""Digits of a run id that are shown; every command takes a unique beginning."""


@click.command()
@click.argument("dataset", required=False)
@click.option("--partition", help="Only the versions of this partition of DATASET, and when each was official.")
@click.option("--limit", default=30, show_default=True, help="Versions to show at most.")
def versions(dataset: str | None, partition: str | None, limit: int) -> None:
    """List published versions: what changed, of which quality, and why."""
    if partition is not None:
        if dataset is None:
            raise click.UsageError("--partition needs a DATASET")
        _partition_versions(dataset, partition, limit)
        return
    rows = listing.versions(open_platform().control, dataset, limit)
    show_table(
        "Versions",
        (
            "dataset",
            "version#",
            "state",
            "quality",
            "publication",
            "partitions#",
            "range",
            "rows#",
            "completed",
            "run",
            "why",
        ),
        (
            (
                row["dataset"],
                row["version"],
                row["state"],
                row["quality_status"],
                row["publication"],
                row["partitions"],
                span(row["first"], row["last"]),
                row["rows"],
                row["completed_at"],
                row["run_id"][:SHORT_ID],
                "; ".join(row["caused_by"]),
            )
            for row in rows
        ),
        empty="No version was published yet. `casegold plan` tells what is due.",
    )


def _partition_versions(dataset: str, partition: str, limit: int) -> None:
    platform = open_platform()
    key = platform.contracts[dataset].partition_of(as_date(partition))
    rows = listing.partition_versions(platform.control, dataset, key, limit)
    show_table(
        f"{dataset} {key}: {rows[0]['versions'] if rows else 0} versions",
        ("version#", "quality", "publication", "rows#", "official from", "until", "repeats", "run", "why"),
        (
            (
                row["version"],
                row["quality_status"],
                row["publication"],
                row["row_count"],
                row["official_from"],
                row["official_until"] or "now",
                row["republished_from"],
                row["run_id"][:SHORT_ID],
                "; ".join(row["caused_by"]),
            )
            for row in rows
        ),
        empty=f"{dataset} {key} was not published yet. `casegold plan` tells what is due.",
    )


@click.command()
@click.argument("dataset", required=False)
@click.option("--limit", default=30, show_default=True, help="Runs to show at most.")
def runs(dataset: str | None, limit: int) -> None:
    """List runs, newest first, with their last attempt and its exit class."""
    rows = listing.runs(open_platform().control, dataset, limit)
    show_table(
        "Runs",
        ("run", "dataset", "range", "state", "attempt#", "exit#", "seconds#", "asked by", "asked at", "message"),
        (
            (
                row["run_id"][:SHORT_ID],
                row["dataset"],
                span(row["first"], row["last"]),
                row["state"],
                row["attempt"],
                row["exit_class"],
                row["seconds"],
                row["requested_by"],
                row["requested_at"],
                (row["message"] or "").split("\n")[0],
            )
            for row in rows
        ),
        empty="No run was asked for yet. Sensors ask once events arrive on Kafka.",
    )


@click.command()
@click.option("--all", "released_too", is_flag=True, help="Released holds, too.")
@click.option("--limit", default=30, show_default=True, help="Holds to show at most.")
def holds(released_too: bool, limit: int) -> None:
    """List what does not move and why, with the checks that closed the gate."""
    control = open_platform().control
    rows = listing.holds(control, limit, released_too=released_too)
    show_table(
        "Holds",
        ("hold#", "dataset", "partitions", "kind", "since", "reason", "released"),
        (
            (
                row["hold_id"],
                row["dataset"],
                span(row["first"], row["last"]),
                row["kind"],
                row["opened_at"],
                row["reason"],
                f"{row['release_reason']} ({row['released_by']})" if row["released_at"] else "",
            )
            for row in rows
        ),
        empty="Nothing is held.",
    )
    for row in rows:
        if row["run_id"] and not row["released_at"]:
            show_table(
                f"\nHold {row['hold_id']}: checks that closed the gate",
                ("partition", "check", "status", "failures#", "expected", "found", "first example"),
                (
                    (
                        check["partition_key"],
                        check["check_name"],
                        check["status"],
                        check["failures"],
                        check["expected"],
                        check["actual"],
                        ", ".join(f"{name}={value}" for name, value in check["sample"][0].items())
                        if check["sample"]
                        else "",
                    )
                    for check in listing.failed_checks(control, row["run_id"])
                ),
                empty="",
            )


@click.command()
def plan() -> None:
    """Tell what is due now, and what everything else waits for."""
    platform = open_platform()
    transforms = platform.transforms
    with platform.control.read() as connection:
        decisions = planner.decide(connection, platform.contracts, transforms)
        ended = {
            decision.dataset: f"; run {run.run_id[:SHORT_ID]} of it is {run.state}: see `casegold retry`"
            for decision in decisions
            if isinstance(decision, Due)
            and (run := planner.ended_run(connection, platform.contracts, decision, transforms)) is not None
        }
    show_table(
        "Plan",
        ("dataset", "due", "restated#", "new#", "why"),
        (
            (d.dataset, str(d.partitions), d.restated, d.fresh, d.why + ended.get(d.dataset, ""))
            if isinstance(d, Due)
            else (d.dataset, "-", None, None, d.why)
            for d in decisions
        ),
        empty="No dataset is computed: there are no contracts.",
    )


@click.command()
@click.argument("dataset")
@click.option("--partition", required=True, help="A date, or the month of a monthly dataset: 2026-03-01 or 2026-03.")
@click.option("--version", type=int, help="As of this version; by default the newest.")
@click.option("--as-known-at", "known_at", help="What was official at an instant with its zone, or when a date ended.")
@click.option("--shadow", metavar="ID", help="What this shadow computed, which is not official.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--raw", is_flag=True, help="Texts of a csv exactly as they are; by default none is a formula.")
@click.option("--limit", default=50, show_default=True, help="Rows of a table; json and csv have all.")
def show(
    dataset: str,
    partition: str,
    version: int | None,
    known_at: str | None,
    shadow: str | None,
    form: str,
    raw: bool,
    limit: int,
) -> None:
    """Print the rows of a partition as a version published them, read from that version's recorded files."""
    if sum(each is not None for each in (version, known_at, shadow)) > 1:
        raise click.UsageError("--version, --as-known-at and --shadow are three answers: give one")
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
    if form == "json":
        click.echo(json.dumps(rows.to_pylist(), default=as_json, indent=2))
    elif form == "csv":
        write_csv(rows, raw=raw)
    else:
        title = f"{dataset} {key}: {chosen}, {rows.num_rows} rows"
        shown = rows.slice(0, limit).to_pylist()
        show_table(title, rows.column_names, (row.values() for row in shown), empty="No rows.")


def _of_version(
    platform: Platform, dataset: str, key: date, version: int | None, instant: datetime | None
) -> tuple[str, list[str]]:
    """What was official: its name and quality, and its files."""
    with platform.control.read() as connection:
        found = listing.partition_as_of(connection, dataset, key, version, instant)
        paths = [row["file_path"] for row in listing.files(connection, dataset, found["version"], key)]
    chosen = short_id(dataset, found["version"])
    if instant is not None:
        click.echo(f"At {cell(instant)} {chosen} was official, published {cell(found['completed_at'])}.", err=True)
    return f"{chosen}, {found['quality_status']}", paths


def _of_shadow(platform: Platform, dataset: str, shadow: str, key: date) -> tuple[str, list[str]]:
    """What was computed beside it."""
    request = approvals.find(platform.control, shadow).backfill_run_id
    with platform.control.read() as connection:
        found = shadows.readable(connection, dataset, request)
    paths = [file.path for each in found.partitions if each.figures.key == key for file in each.files]
    return f"shadow {request}, not official", paths


def write_csv(rows: pa.Table, *, raw: bool) -> None:
    """Rows by RFC 4180, with a header line; what has no value is empty."""
    out = csv.writer(sys.stdout)
    out.writerow(rows.column_names)
    for row in rows.to_pylist():
        out.writerow([csv_cell(value, raw=raw) for value in row.values()])


def csv_cell(value: object, *, raw: bool) -> str:
    """A value as text; a text from outside is made harmless unless `raw`."""
    if isinstance(value, str):
        return value if raw else safe_cell(value)
    return "" if value is None else as_json(value)


def as_json(value: object) -> str:
    """Dates and instants in ISO 8601, decimals with all their digits."""
    return value.isoformat() if isinstance(value, date) else str(value)


def as_date(text: str) -> date:
    """A partition key from the command line. Raises click.BadParameter."""
    try:
        return date.fromisoformat(text) if len(text) > len("2026-01") else datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a date such as 2026-03-01 or a month such as 2026-03") from error


def as_instant(text: str, calendar: BusinessCalendar) -> datetime:
    """An instant from the command line; a date is its end in the business time zone. Raises click.BadParameter."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no instant such as 2026-03-01T17:00:00+01:00, and no date") from error
    if len(text) <= len("2026-01-01"):
        return calendar.end_of(instant.date())
    if instant.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no time zone: write 2026-03-01T17:00:00+01:00 or ...Z")
    return instant


commands = (versions, show, runs, holds, plan)
