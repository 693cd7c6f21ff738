"""Commands for backfills under four eyes: request, approve, reject, cancel, pause, resume.

Not here: planning and executing (`backfill_work`), listing and status (`backfill_look`).
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
"""Digits of a plan's digest that an approver has to type: enough to distinguish it from any other plan."""


@click.group()
def backfill() -> None:
    """Recompute published figures: one person asks and plans, another approves, the platform executes.

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
    help="Recompute (BACKFILL), send facts again (REPLAY), or compute for comparison only (SHADOW).",
)
@reason_option
@as_option
def request(dataset: str, first: str, last: str | None, mode: str, reason: str, login: str | None) -> None:
    """Ask for a backfill of partitions FIRST to LAST of DATASET. Both are dates or months; without LAST, only one.

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
@click.option("--digest", required=True, help="Digest of the plan that you read; at least its first 12 digits.")
@as_option
def approve(request_id: str, digest: str, login: str | None) -> None:
    """Approve the plan with this digest. Read it first: `casegold backfill status` shows both.

    \b
    Examples:
      casegold backfill approve bf_8c01 --digest 0123456789ab --as bob
    """
    control = desk_of(login).control
    found = approvals.find(control, request_id)
    _tell(approvals.approve(control, found.backfill_run_id, _whole(digest, found)))


def _whole(digest: str, found: BackfillRequest) -> str:
    """The plan's whole digest if it begins with the typed one; else the typed one, which the database refuses."""
    if len(digest) < MIN_DIGEST:
        raise click.BadParameter(f"give at least its first {MIN_DIGEST} digits", param_hint="--digest")
    known = found.plan_digest
    return known if known is not None and known.startswith(digest) else digest


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def reject(request_id: str, reason: str, login: str | None) -> None:
    """Reject a request, for good.

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
    """Withdraw a request, or stop its execution for good.

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
    """Start no further run of an execution until it is resumed.

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
    """Resume a paused execution.

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
