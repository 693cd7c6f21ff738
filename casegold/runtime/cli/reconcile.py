"""`casegold reconcile`: do Kafka, ledger, lake and announcements agree?"""

from __future__ import annotations

import click

from casegold.domain.errors import ExitClass
from casegold.runtime.cli.tables import show

ASKED_BY = "casegold reconcile"


@click.command()
@click.option("--fix", is_flag=True, help="Settle what a rule settles: undecided versions, stages of dead runs.")
def reconcile(fix: bool) -> None:
    """Compare Kafka positions, ledgers, tables, versions and announcements; exit 10 where they differ.

    Looks at what is new since all agreed. What no rule settles is left as it is, with what to do.
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.reconciliation import ALL, settle  # noqa: PLC0415
    from casegold.runtime.standing import answers  # noqa: PLC0415

    platform = open_platform()
    if fix:
        for dataset in settle(platform, ASKED_BY, stages=True):
            click.echo(f"{dataset}: settled")
    found = list(answers(platform, ALL))
    show(
        "Reconciliation",
        ("dataset", "what has to hold", "differences#", "what to do"),
        (
            (each.question.dataset, each.question.meaning, each.count, each.question.recovery if each.count else None)
            for each in found
        ),
        empty="",
    )
    for each in found:
        if each.sample:
            columns = tuple(each.sample[0])
            show(f"\n{each.question.name}", columns, (tuple(row.values()) for row in each.sample), empty="")
    if any(each.count and not each.calm for each in found):
        raise SystemExit(int(ExitClass.VALIDATION_FAILED))


commands = (reconcile,)
