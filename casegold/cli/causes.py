"""`casegold causes`: why a version restated published partitions. It changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, as_date
from casegold.cli.output import JSON, Output, described
from casegold.cli.tables import show
from casegold.cli.values import Below, plain, span
from casegold.control.versions.model import short_id
from casegold.runtime.platform import open_platform

if TYPE_CHECKING:
    from casegold.control.versions.causes import ChangedInput
    from casegold.operations.causes import Causes


@click.command()
@click.argument("dataset", type=DATASET)
@click.argument("version", type=int)
@click.option("--partition", help="Only the causes for this date or month.")
@described(limit=50)
def causes(dataset: str, version: int, partition: str | None, out: Output) -> None:
    """List the facts, or the input versions, that VERSION of DATASET used and the versions it replaced did not.

    \b
    Examples:
      casegold causes gold/case_daily_snapshot 2
      casegold causes gold/case_daily_snapshot 2 --partition 2026-03-01 --limit 10
      casegold causes reports/enforcement_report 2 --format json
    """
    from casegold.operations.causes import of_version  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    key = None if partition is None else platform.contracts[dataset].partition_of(as_date(partition))
    found = of_version(platform, dataset, version, key, out.limit or 0)
    recorded = found.recorded
    if out.form == JSON:
        out.document(
            {
                "dataset": dataset,
                "version": version,
                "reasons": recorded.reasons,
                "partitions": recorded.partitions,
                "restated": recorded.restated,
                "facts": found.facts,
                "sample": _facts(found),
                "inputs": _inputs(recorded.inputs),
            }
        )
        return
    reasons = "; ".join(recorded.reasons) or "no reason was recorded"
    click.echo(plain(f"{short_id(dataset, version)}: {reasons}"))
    click.echo(f"{recorded.restated} of its {recorded.partitions} partitions had a version before.")
    if found.facts or not recorded.inputs:
        facts = _facts(found)
        show(f"\n{facts.title}", facts.columns, facts.rows, empty="The replaced versions knew all of its facts.")
    if recorded.inputs:
        inputs = _inputs(recorded.inputs)
        show(f"\n{inputs.title}", inputs.columns, inputs.rows, empty="")
        click.echo("\nEach of these versions has causes of its own: `casegold causes DATASET VERSION`.")


def _facts(found: Causes) -> Below:
    return Below(
        f"{len(found.sample)} of {found.facts:,} facts that it knew and the replaced versions did not",
        ("event", "type", "case", "occurred", "changes dates from", "recorded", "counts from#", "was held"),
        [
            (
                fact.event_id,
                fact.event_type,
                fact.case_id,
                fact.occurred_at,
                fact.dirty_from,
                fact.recorded_at,
                fact.counts_from,
                fact.held,
            )
            for fact in found.sample
        ],
    )


def _inputs(inputs: tuple[ChangedInput, ...]) -> Below:
    return Below(
        "Inputs of which it used other versions",
        ("dataset", "range", "partitions#", "before#", "after#"),
        [(each.dataset, span(each.first, each.last), each.partitions, each.before, each.after) for each in inputs],
    )


commands = (causes,)
