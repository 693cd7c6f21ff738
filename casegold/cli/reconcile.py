"""`casegold reconcile`: whether Kafka, ledger, lake and announcements agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.cli.output import Output, listed
from casegold.cli.values import Below
from casegold.domain.errors import ConfigurationError, ExitClass

if TYPE_CHECKING:
    from casegold.control.integrity.standing_checks import Answer
    from casegold.runtime.platform import Platform

ASKED_BY = "casegold reconcile"


@click.command()
@click.option("--fix", is_flag=True, help="Complete or abandon what dead runs left; with --reason, repair more.")
@click.option("--reason", help="With --fix: also reset main to the official versions and restore lost files.")
@listed()
def reconcile(fix: bool, reason: str | None, out: Output) -> None:
    """Compare Kafka positions, ledgers, tables, versions and announcements; exit 10 if they differ.

    Checks what changed since the last time all agreed; --fix also checks that every file of every version exists. What
    cannot be repaired automatically stays as it is; the answer says what to do.

    \b
    Examples:
      casegold reconcile
      casegold reconcile --fix --reason "a file was deleted by hand"
      casegold reconcile --format json --columns question,differences,sample
    """
    from casegold.operations.reconciliation import ALL, settle  # noqa: PLC0415
    from casegold.operations.standing_checks import answers  # noqa: PLC0415
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg

    if reason is not None and not (fix and reason.strip()):
        raise click.UsageError("--reason needs --fix, and a text")
    platform = open_platform()
    if fix:
        for dataset in settle(platform, ASKED_BY, stages=True):
            out.say(f"{dataset}: settled")
        _repair(platform, reason, out)
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
    names = list(dict.fromkeys(name for row in answer.sample for name in row))
    columns = tuple(name.replace("_", " ") for name in names)
    return Below(answer.question.name, columns, [tuple(row.get(name) for name in names) for row in answer.sample])


def _repair(platform: Platform, reason: str | None, out: Output) -> None:
    """Repair one dataset after the other, each after its inputs."""
    from casegold.control.runs.claimed_tables import published  # noqa: PLC0415 - only a repair needs it
    from casegold.operations import repairs  # noqa: PLC0415 - loads Iceberg

    wanting = [dataset for dataset in published(platform.contracts) if repairs.needs_repair(platform, dataset)]
    if wanting and reason is None:
        raise ConfigurationError(
            f"main or files of {', '.join(wanting)} differ from the official versions, or a repair is unfinished",
            remedy="`casegold reconcile` shows the differences; `--fix --reason ...` repairs them and records it",
        )
    for dataset in wanting:
        files = repairs.repair(platform, dataset, str(reason)).files
        out.say(f"{dataset}: repaired" if files else f"{dataset}: nothing to repair")
        for row in files:
            since = (
                f", wrong on main since {row['wrong_since']}, snapshot {row['wrong_snapshot']}"
                if row["wrong_since"]
                else ""
            )
            out.say(f"  {row['partition_key']} {row['action']} {row['file_path']}: {row['record_count']} rows{since}")


commands = (reconcile,)
