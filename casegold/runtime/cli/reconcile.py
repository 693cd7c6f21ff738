"""`casegold reconcile`: do Kafka, ledger, lake and announcements agree?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.runtime.cli.tables import show

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

ASKED_BY = "casegold reconcile"
REPAIRED = ("partition", "file", "done", "rows#", "wrong on main since", "from snapshot")


@click.command()
@click.option("--fix", is_flag=True, help="Settle undecided versions and stages of dead runs; with --reason, more.")
@click.option("--reason", help="With --fix: also put main back to official versions and bring lost files back.")
def reconcile(fix: bool, reason: str | None) -> None:
    """Compare Kafka positions, ledgers, tables, versions and announcements; exit 10 where they differ.

    Looks at what is new since all agreed; --fix looks for every file of every version. What no rule settles is left as
    it is, with what to do.
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.reconciliation import ALL, settle  # noqa: PLC0415
    from casegold.runtime.standing import answers  # noqa: PLC0415

    if reason is not None and not (fix and reason.strip()):
        raise click.UsageError("--reason says why with --fix, in words")
    platform = open_platform()
    if fix:
        for dataset in settle(platform, ASKED_BY, stages=True):
            click.echo(f"{dataset}: settled")
        _repair(platform, reason)
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


def _repair(platform: Platform, reason: str | None) -> None:
    """Mend dataset after dataset, each after those that it is made from."""
    from casegold.runtime import mending  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.reconciliation import published  # noqa: PLC0415

    wanting = [dataset for dataset in published(platform) if mending.needs_repair(platform, dataset)]
    if wanting and reason is None:
        raise ConfigurationError(
            f"main or files of {', '.join(wanting)} are not what official versions say, or a repair is unfinished",
            remedy="`casegold reconcile` shows how; with `--fix --reason ...` they are put right, and it is recorded",
        )
    for dataset in wanting:
        done = mending.repair(platform, dataset, str(reason))
        show(
            f"{dataset}: put right",
            REPAIRED,
            (
                (
                    row["partition_key"],
                    row["file_path"],
                    row["action"],
                    row["record_count"],
                    row["wrong_since"],
                    "" if row["wrong_snapshot"] is None else str(row["wrong_snapshot"]),
                )
                for row in done.files
            ),
            empty=f"{dataset}: was right already",
        )


commands = (reconcile,)
