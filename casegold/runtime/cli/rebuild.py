"""`casegold rebuild`: silver made again from bronze."""

from __future__ import annotations

import click

from casegold.runtime.cli.operate import reason_option
from casegold.runtime.cli.tables import show


@click.command()
@click.argument("dataset")
@reason_option
def rebuild(dataset: str, reason: str) -> None:
    """Make silver/case_events and the rejected events again from bronze, where they lost something.

    Every ingest is compared with the ledger before anything is replaced. Where nothing is lacking, everything is
    compared and nothing is changed.
    """
    from casegold.runtime import mending  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    done = mending.rebuild(open_platform(), dataset, reason)
    show("Rebuild", ("what", "value"), list(done.summary.items()), empty="")


commands = (rebuild,)
