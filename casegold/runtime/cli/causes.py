"""`casegold causes`: why a version restated what was published. It changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.manifest.versions import short_id
from casegold.runtime.cli.read import as_date
from casegold.runtime.cli.tables import plain, show, span
from casegold.runtime.platform import open_platform

if TYPE_CHECKING:
    from casegold.manifest.causes import ChangedInput
    from casegold.runtime.causes import Causes


@click.command()
@click.argument("dataset")
@click.argument("version", type=int)
@click.option("--partition", help="Only what caused this date or month.")
@click.option("--limit", default=50, show_default=True, help="Facts to show at most; their number is exact.")
def causes(dataset: str, version: int, partition: str | None, limit: int) -> None:
    """List the facts, or the versions of inputs, that VERSION of DATASET knew and the ones it replaced did not."""
    from casegold.runtime.causes import of_version  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    key = None if partition is None else platform.contracts[dataset].partition_of(as_date(partition))
    found = of_version(platform, dataset, version, key, limit)
    recorded = found.recorded
    reasons = "; ".join(recorded.reasons) or "no reason was recorded"
    click.echo(plain(f"{short_id(dataset, version)}: {reasons}"))
    click.echo(f"{recorded.restated} of its {recorded.partitions} partitions had a version before.")
    if found.facts or not recorded.inputs:
        _show_facts(found)
    if recorded.inputs:
        _show_inputs(recorded.inputs)


def _show_facts(found: Causes) -> None:
    show(
        f"\n{len(found.sample)} of {found.facts:,} facts that it knew and the versions before did not",
        ("event", "type", "case", "occurred", "changes dates from", "recorded", "counts from#", "was held"),
        (
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
        ),
        empty="No fact that versions before it did not know.",
    )


def _show_inputs(inputs: tuple[ChangedInput, ...]) -> None:
    show(
        "\nInputs that it was made of in other versions",
        ("dataset", "range", "partitions#", "before#", "after#"),
        ((each.dataset, span(each.first, each.last), each.partitions, each.before, each.after) for each in inputs),
        empty="",
    )
    click.echo("\nEach of these versions has causes of its own: `casegold causes DATASET VERSION`.")


commands = (causes,)
