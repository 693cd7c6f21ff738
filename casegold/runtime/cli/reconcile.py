"""`casegold reconcile`: do Kafka, ledger, lake and announcements agree?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.domain.errors import ExitClass
from casegold.runtime.cli.output import Output, listed
from casegold.runtime.cli.values import Below

if TYPE_CHECKING:
    from casegold.manifest.standing import Answer

ASKED_BY = "casegold reconcile"


@click.command()
@click.option("--fix", is_flag=True, help="Settle what a rule settles: undecided versions, stages of dead runs.")
@listed()
def reconcile(fix: bool, out: Output) -> None:
    """Compare Kafka positions, ledgers, tables, versions and announcements; exit 10 where they differ.

    Looks at what is new since all agreed. What no rule settles is left as it is, with what to do.

    \b
    Examples:
      casegold reconcile
      casegold reconcile --fix
      casegold reconcile --format json --columns question,differences,sample
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.reconciliation import ALL, settle  # noqa: PLC0415
    from casegold.runtime.standing import answers  # noqa: PLC0415

    platform = open_platform()
    if fix:
        for dataset in settle(platform, ASKED_BY, stages=True):
            out.say(f"{dataset}: settled")
    found = list(answers(platform, ALL))
    out.rows(
        "Reconciliation",
        ("question", "dataset", "what has to hold", "differences#", "what to do", "sample"),
        (
            (
                each.question.name,
                each.question.dataset,
                each.question.meaning,
                each.count,
                each.question.recovery if each.count else None,
                _sample(each),
            )
            for each in found
        ),
        empty="",
        seldom=("what to do",),
    )
    if any(each.count and not each.calm for each in found):
        raise SystemExit(int(ExitClass.VALIDATION_FAILED))


def _sample(answer: Answer) -> Below:
    columns = tuple(name.replace("_", " ") for name in answer.sample[0]) if answer.sample else ()
    return Below(answer.question.name, columns, [tuple(row.values()) for row in answer.sample])


commands = (reconcile,)
