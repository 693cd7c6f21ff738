"""`casegold rebuild`: silver made again from bronze."""

from __future__ import annotations

import click

from casegold.cli.arguments import DATASET, reason_option
from casegold.cli.output import Output, described


@click.command()
@click.argument("dataset", type=DATASET)
@reason_option
@described()
def rebuild(dataset: str, reason: str, out: Output) -> None:
    """Make silver/case_events and the rejected events again from bronze, where they lost something.

    Every ingest is compared with the ledger before anything is replaced. Where nothing is lacking, everything is
    compared and nothing is changed.

    \b
    Examples:
      casegold rebuild silver/case_events --reason "the table was dropped by hand"
    """
    from casegold.operations import repairs  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    done = repairs.rebuild(open_platform(), dataset, reason)
    out.facts("Rebuild", done.summary)


commands = (rebuild,)
