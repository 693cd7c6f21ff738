"""`casegold impact`: downstream lineage of a transform, version, file or event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET
from casegold.cli.output import JSON, Output, listed
from casegold.cli.tables import show_lines
from casegold.cli.values import span
from casegold.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from casegold.control.changes.backfill_plan import Plan
    from casegold.control.db import Connection
    from casegold.control.versions.impact import Affected, KnownFact
    from casegold.runtime.platform import Platform

ROOM = "casegold.cli"

SILVER = "silver/case_events"


@click.command()
@click.option("--transform", help="Name of a transform in the contracts; with --version.")
@click.option("--version", "transform_version", help="Version of the transform.")
@click.option("--dataset-version", type=(DATASET, int), metavar="DATASET N", help="A published version.")
@click.option("--file", "path", help="Location of a data file that a version recorded.")
@click.option("--event", help="Id of an event; add --source if several sources have it.")
@click.option("--source", help="Source of the event.")
@click.option("--plan", is_flag=True, help="Also plan the backfills that would recompute them; create no request.")
@listed()
def impact(
    transform: str | None,
    transform_version: str | None,
    dataset_version: tuple[str, int] | None,
    path: str | None,
    event: str | None,
    source: str | None,
    plan: bool,
    out: Output,
) -> None:
    """List every published partition that used a transform, version, file or event, directly or through other datasets.

    \b
    Examples:
      casegold impact --event 5f0c-17
      casegold impact --dataset-version gold/case_daily_snapshot 4 --plan
      casegold impact --transform snapshot --version 3 --format json
    """
    from casegold.control.versions import impact as manifest  # noqa: PLC0415 - with the platform
    from casegold.operations import backfills  # noqa: PLC0415
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    fact = _fact(platform, event, source) if event else None

    def ask(connection: Connection) -> list[Affected]:
        if fact is not None:
            return manifest.of_fact(connection, fact)
        if path:
            return manifest.of_file(connection, path)
        if dataset_version:
            return manifest.of_version(connection, *dataset_version)
        if transform and transform_version:
            named = [each.dataset for each in platform.contracts.in_order() if each.transform == transform]
            return manifest.of_transform(connection, transform_version, named)
        raise click.UsageError("give --transform with --version, --dataset-version, --file or --event")

    with platform.control.read() as connection:
        found = ask(connection)
    if plan and out.form == JSON:
        out.stream(made.as_json() for made in _plans(platform, found))
        return
    out.rows(
        "Partitions that used it",
        ("dataset", "version#", "partitions#", "range", "official now#", "transform", "completed"),
        (
            (
                each.dataset,
                each.version,
                each.partitions,
                span(each.range.first, each.range.last),
                each.current,
                each.transform_version,
                each.completed_at,
            )
            for each in found
        ),
        empty="No published partition used it.",
    )
    if plan:
        for made in _plans(platform, found):
            show_lines(f"\nPlan of a {made.mode} of {made.dataset}", backfills.rows_of(made))
            click.echo("To ask for it, for another person to approve:")
            click.echo(f'  casegold backfill request {made.dataset} {made.first} {made.last} --reason "..."')


def _fact(platform: Platform, event_id: str, source: str | None) -> KnownFact:
    from casegold.control.versions.impact import KnownFact  # noqa: PLC0415
    from casegold.domain.sql import query  # noqa: PLC0415 - with the platform
    from casegold.jobs.views import engine  # noqa: PLC0415

    with engine(platform) as connection:
        platform.lake.register(connection, "silver_case_events", SILVER, row_filter=f"event_id = '{_plain(event_id)}'")
        rows = connection.execute(query(ROOM, "facts_by_id"), {"event_id": event_id, "source": source}).fetchall()
    if len(rows) != 1:
        found = f"{len(rows)} sources have an event {event_id}" if rows else f"silver has no event {event_id}"
        remedy = f"give --source: {', '.join(row[0] for row in rows)}" if rows else "was it rejected? `casegold runs`"
        raise ConfigurationError(found, remedy=remedy)
    return KnownFact(*rows[0])


def _plain(text: str) -> str:
    """The text, safe in an Iceberg row filter, which has no escape for quotes."""
    if "'" in text:
        raise ConfigurationError(f"the event id {text!r} contains a quote: `casegold impact` cannot look it up")
    return text


def _plans(platform: Platform, found: list[Affected]) -> Iterator[Plan]:
    """Plans of the backfills that would recompute the affected partitions. Creates no request."""
    from casegold.control.changes.backfill_plan import Wanted  # noqa: PLC0415 - with the platform
    from casegold.control.model import Mode  # noqa: PLC0415
    from casegold.control.planning.planner import is_computed  # noqa: PLC0415
    from casegold.control.versions.impact import to_restate  # noqa: PLC0415
    from casegold.operations import backfills  # noqa: PLC0415

    computed = [each for each in platform.contracts.in_order() if is_computed(each)]
    affected = {each.dataset for each in found if each.current}
    roots = [each.dataset for each in computed if each.reads_sequence and each.dataset in affected]
    if not roots:  # no dataset computed from facts is affected: derived ones can be requested by themselves
        roots = [each.dataset for each in computed if each.dataset in affected]
    for dataset, partitions in to_restate(found, roots):
        yield backfills.plan_of(platform, Wanted(dataset, partitions, Mode.BACKFILL))


commands = (impact,)
