"""Commands that show control state: versions, holds, plan. They change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, SHORT_ID, as_date
from casegold.cli.output import Output, listed
from casegold.cli.values import Below, Short, span

if TYPE_CHECKING:
    from casegold.control.db import ControlDb

CHECK_COLUMNS = ("partition", "check", "status", "failures#", "expected", "found", "first example")


@click.command()
@click.argument("dataset", type=DATASET, required=False)
@click.option("--partition", help="The versions of this partition of DATASET, and when each was official.")
@listed(limit=30)
def versions(dataset: str | None, partition: str | None, out: Output) -> None:
    """List published versions: which partitions, with which quality, and why.

    \b
    Examples:
      casegold versions
      casegold versions gold/case_daily_snapshot --columns version,quality,range,why
      casegold versions gold/case_daily_snapshot --partition 2026-03-01
      casegold versions reports/enforcement_report --format json
    """
    from casegold.control.versions import listing as version_listing  # noqa: PLC0415 - loads the database's client
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    if partition is not None:
        if dataset is None:
            raise click.UsageError("--partition needs a DATASET")
        _partition_versions(dataset, partition, out)
        return
    out.rows(
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
                Short(row["run_id"], SHORT_ID),
                row["caused_by"],
            )
            for row in version_listing.versions(open_platform().control, dataset, out.limit)
        ),
        empty="No version was published yet. `casegold plan` shows what is due.",
    )


def _partition_versions(dataset: str, partition: str, out: Output) -> None:
    from casegold.control.versions import listing as version_listing  # noqa: PLC0415 - loads the database's client
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    platform = open_platform()
    key = platform.contracts[dataset].partition_of(as_date(partition))
    rows = version_listing.partition_versions(platform.control, dataset, key, out.limit)
    out.rows(
        f"{dataset} {key}: {rows[0]['versions'] if rows else 0} versions",
        ("version#", "quality", "publication", "rows#", "official from", "until", "repeats#", "run", "why"),
        (
            (
                row["version"],
                row["quality_status"],
                row["publication"],
                row["row_count"],
                row["official_from"],
                row["official_until"],
                row["republished_from"],
                Short(row["run_id"], SHORT_ID),
                row["caused_by"],
            )
            for row in rows
        ),
        empty=f"{dataset} {key} was not published yet. `casegold plan` shows what is due.",
    )


@click.command()
@click.option("--all", "released_too", is_flag=True, help="Include released holds.")
@listed(limit=30)
def holds(released_too: bool, out: Output) -> None:
    """List the partitions that are held back and why, with the checks that closed the gate.

    \b
    Examples:
      casegold holds
      casegold holds --all --limit 100
      casegold holds --format json
    """
    from casegold.control.versions import listing as version_listing  # noqa: PLC0415 - loads the database's client
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    control = open_platform().control
    out.rows(
        "Holds",
        (
            "hold#",
            "dataset",
            "partitions",
            "kind",
            "since",
            "reason",
            "run",
            "released",
            "released by",
            "release reason",
            "checks",
        ),
        (
            (
                row["hold_id"],
                row["dataset"],
                span(row["first"], row["last"]),
                row["kind"],
                row["opened_at"],
                row["reason"],
                None if row["run_id"] is None else Short(row["run_id"], SHORT_ID),
                row["released_at"],
                row["released_by"],
                row["release_reason"],
                _failed_checks(control, row["hold_id"], None if row["released_at"] else row["run_id"]),
            )
            for row in version_listing.holds(control, out.limit, released_too=released_too)
        ),
        empty="Nothing is held.",
        seldom=("released", "released by", "release reason"),
    )


def _failed_checks(control: ControlDb, hold_id: int, run_id: str | None) -> Below:
    """The checks that closed the gate of an open hold."""
    from casegold.control.runs import listing  # noqa: PLC0415 - loads the database's client

    found = [] if run_id is None else listing.failed_checks(control, run_id)
    return Below(
        f"Hold {hold_id}: checks that closed the gate",
        CHECK_COLUMNS,
        [
            (
                check["partition_key"],
                check["check_name"],
                check["status"],
                check["failures"],
                check["expected"],
                check["actual"],
                check["sample"][0] if check["sample"] else None,
            )
            for check in found
        ],
    )


@click.command()
@listed()
def plan(out: Output) -> None:
    """Show which partitions of each dataset are due now, or what the dataset waits for.

    \b
    Examples:
      casegold plan
      casegold plan --format json
    """
    from casegold.control.planning import planner  # noqa: PLC0415 - loads the database's client
    from casegold.control.planning.decisions import Due  # noqa: PLC0415
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

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
    out.rows(
        "Plan",
        ("dataset", "due", "restated#", "new#", "why"),
        (
            (
                d.dataset,
                span(d.partitions.first, d.partitions.last),
                d.restated,
                d.fresh,
                d.why + ended.get(d.dataset, ""),
            )
            if isinstance(d, Due)
            else (d.dataset, None, None, None, d.why)
            for d in decisions
        ),
        empty="No dataset is computed: there are no contracts.",
    )


commands = (versions, holds, plan)
