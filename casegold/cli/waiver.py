"""Commands for waivers: a required check may fail in a range. Not here: how the gate applies one (`quality`)."""

from __future__ import annotations

import click

from casegold.cli.arguments import DATASET, reason_option
from casegold.cli.output import Output, listed
from casegold.cli.persons import as_option, contract_and_range, desk_of, looking, show_trail
from casegold.cli.values import span
from casegold.control.changes import approvals


@click.group()
def waiver() -> None:
    """Publish although a check fails: one person asks, another approves. The version is marked as waived.

    \b
    Examples:
      casegold waiver request gold/case_daily_snapshot completeness 2026-03-01 --reason "the source is gone" --as ann
      casegold waiver approve 7 --as bob
      casegold waiver list
    """


@waiver.command()
@click.argument("dataset", type=DATASET)
@click.argument("check")
@click.argument("first")
@click.argument("last", required=False)
@reason_option
@as_option
def request(dataset: str, check: str, first: str, last: str | None, reason: str, login: str | None) -> None:
    """Ask for a waiver of one check. With it, CHECK may fail in DATASET from partition FIRST to LAST.

    \b
    Examples:
      casegold waiver request gold/case_daily_snapshot completeness 2026-03-01 --reason "the source is gone" --as ann
    """
    desk = desk_of(login)
    contract, partitions = contract_and_range(desk.settings, dataset, first, last)
    if check not in contract.required_checks():
        known = ", ".join(contract.required_checks())
        raise click.BadParameter(
            f"{check!r} is no required check of {dataset}; its required checks are {known}", param_hint="CHECK"
        )
    answer = approvals.request_waiver(desk.control, dataset, partitions, check, reason)
    click.echo(f"waiver {answer.subject} is {answer.state}: {answer.message}")


@waiver.command()
@click.argument("waiver_id", type=int)
@as_option
def approve(waiver_id: int, login: str | None) -> None:
    """Approve a waiver that another person asked for. The planner then asks for the held partitions again.

    \b
    Examples:
      casegold waiver approve 7 --as bob
    """
    answer = approvals.approve_waiver(desk_of(login).control, waiver_id)
    click.echo(f"waiver {answer.subject} is {answer.state}")


@waiver.command("list")
@as_option
@listed(limit=30)
def list_waivers(login: str | None, out: Output) -> None:
    """List waivers, newest first.

    \b
    Examples:
      casegold waiver list
      casegold waiver list --format json
    """
    out.rows(
        "Waivers",
        ("waiver#", "dataset", "partitions", "check", "asked by", "asked", "approved by", "approved", "reason"),
        (
            (
                each.waiver_id,
                each.dataset,
                span(each.first, each.last),
                each.check_name,
                each.requested_person,
                each.requested_at,
                each.approved_person,
                each.approved_at,
                each.reason,
            )
            for each in approvals.waivers(looking(login), out.limit)
        ),
        empty="No waiver was ever asked for.",
    )


@waiver.command()
@click.argument("waiver_id", type=int, required=False)
@as_option
@listed(limit=100)
def audit(waiver_id: int | None, login: str | None, out: Output) -> None:
    """Show the audit trail: who did or tried what, and when. Of one waiver, or of all.

    \b
    Examples:
      casegold waiver audit
      casegold waiver audit 7
    """
    show_trail(approvals.waiver_audit(looking(login), waiver_id, out.limit), out)


commands = (waiver,)
