"""`casegold rebuild`: rebuild silver from bronze."""

from __future__ import annotations

import click

from casegold.cli.arguments import DATASET, reason_option
from casegold.cli.output import Output, described


@click.command()
@click.argument("dataset", type=DATASET)
@reason_option
@described()
def rebuild(dataset: str, reason: str, out: Output) -> None:
    """Rebuild silver/case_events and the rejected events from bronze, if rows were lost.

    First, every ingest is compared with the ledger. If no row is missing, nothing is changed.

    \b
    Examples:
      casegold rebuild silver/case_events --reason "the table was dropped by hand"
    """
    from casegold.operations import repairs  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    done = repairs.rebuild(open_platform(), dataset, reason)
    out.facts("Rebuild", done.summary)


commands = (rebuild,)
