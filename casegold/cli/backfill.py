"""Commands about backfills under four eyes: ask, decide, stop.

Not here: making and executing a plan (`backfill_work`), looking (`backfill_look`).
"""

from __future__ import annotations

import click

from casegold.cli.arguments import DATASET, reason_option
from casegold.cli.backfill_look import audit, list_requests, status
from casegold.cli.backfill_work import execute, plan
from casegold.cli.persons import as_option, contract_and_range, desk_of
from casegold.control.changes import approvals
from casegold.control.changes.approvals import Answer, BackfillRequest

MIN_DIGEST = 12
"""Digits of a plan's digest that an approver has to type: enough to tell it from any other plan."""


@click.group()
def backfill() -> None:
    """Change published figures: one person asks and plans, another approves, the platform executes.

    \b
    Examples:
      casegold backfill plan --dry-run gold/case_daily_snapshot 2026-01-01 2026-01-31
      casegold backfill request gold/case_daily_snapshot 2026-01-01 2026-01-31 --reason "wrong levels" --as ann
      casegold backfill plan bf_8c01 --as ann
      casegold backfill approve bf_8c01 --digest 0123456789ab --as bob
      casegold backfill execute bf_8c01
    """


@backfill.command()
@click.argument("dataset", type=DATASET)
@click.argument("first")
@click.argument("last", required=False)
@click.option(
    "--mode",
    type=click.Choice(["BACKFILL", "REPLAY", "SHADOW"]),
    default="BACKFILL",
    show_default=True,
    help="What the runs will be.",
)
@reason_option
@as_option
def request(dataset: str, first: str, last: str | None, mode: str, reason: str, login: str | None) -> None:
    """Ask for a backfill of DATASET from partition FIRST to LAST, dates or months.

    \b
    Examples:
      casegold backfill request gold/case_daily_snapshot 2026-01-01 2026-01-31 --reason "wrong levels" --as ann
      casegold backfill request gold/case_daily_snapshot 2026-01 --mode SHADOW --reason "try the new rules" --as ann
    """
    desk = desk_of(login)
    _, partitions = contract_and_range(desk.settings, dataset, first, last)
    _tell(approvals.request(desk.control, dataset, partitions, mode, reason))


@backfill.command()
@click.argument("request_id")
@click.option("--digest", required=True, help="Digest of the plan that you read, or its first 12 digits or more.")
@as_option
def approve(request_id: str, digest: str, login: str | None) -> None:
    """Approve exactly the plan that `casegold backfill status` shows under this digest.

    \b
    Examples:
      casegold backfill approve bf_8c01 --digest 0123456789ab --as bob
    """
    control = desk_of(login).control
    found = approvals.find(control, request_id)
    _tell(approvals.approve(control, found.backfill_run_id, _whole(digest, found)))


def _whole(digest: str, found: BackfillRequest) -> str:
    """The plan's digest where it begins with what was typed; else what was typed, for the database to refuse."""
    if len(digest) < MIN_DIGEST:
        raise click.BadParameter(f"give {MIN_DIGEST} digits or more of it", param_hint="--digest")
    known = found.plan_digest
    return known if known is not None and known.startswith(digest) else digest


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def reject(request_id: str, reason: str, login: str | None) -> None:
    """Say no to a request, for good.

    \b
    Examples:
      casegold backfill reject bf_8c01 --reason "the old figures are right" --as bob
    """
    control = desk_of(login).control
    _tell(approvals.reject(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def cancel(request_id: str, reason: str, login: str | None) -> None:
    """Give a request up, or stop its execution for good.

    \b
    Examples:
      casegold backfill cancel bf_8c01 --reason "not needed" --as ann
    """
    control = desk_of(login).control
    _tell(approvals.cancel(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def pause(request_id: str, reason: str, login: str | None) -> None:
    """Let an execution make no further step until it is resumed.

    \b
    Examples:
      casegold backfill pause bf_8c01 --reason "the month is being closed" --as ann
    """
    control = desk_of(login).control
    _tell(approvals.pause(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def resume(request_id: str, reason: str, login: str | None) -> None:
    """Let a paused execution go on.

    \b
    Examples:
      casegold backfill resume bf_8c01 --reason "the month is closed" --as ann
    """
    control = desk_of(login).control
    _tell(approvals.resume(control, approvals.find(control, request_id).backfill_run_id, reason))


def _tell(answer: Answer) -> None:
    click.echo(f"{answer.subject} is {answer.state}: {answer.message}")


for elsewhere in (plan, execute, list_requests, status, audit):
    backfill.add_command(elsewhere)

commands = (backfill,)
