"""Commands about waivers: that a required check may fail in a range. Not here: what the gate makes of one."""

from __future__ import annotations

import click

from casegold.manifest import approvals
from casegold.runtime.cli.operate import reason_option
from casegold.runtime.cli.persons import as_option, contract_and_range, desk_of, looking, show_trail
from casegold.runtime.cli.tables import show as show_table
from casegold.runtime.cli.tables import span


@click.group()
def waiver() -> None:
    """Publish although a check fails: one person asks, another approves; the figures are marked."""


@waiver.command()
@click.argument("dataset")
@click.argument("check")
@click.argument("first")
@click.argument("last", required=False)
@reason_option
@as_option
def request(dataset: str, check: str, first: str, last: str | None, reason: str, login: str | None) -> None:
    """Ask that CHECK may fail in DATASET from partition FIRST to LAST."""
    desk = desk_of(login)
    contract, partitions = contract_and_range(desk.settings, dataset, first, last)
    if check not in contract.required_checks():
        known = ", ".join(contract.required_checks())
        raise click.BadParameter(f"{check!r} does not close the gate of {dataset}; {known} do", param_hint="CHECK")
    answer = approvals.request_waiver(desk.control, dataset, partitions, check, reason)
    click.echo(f"waiver {answer.subject} is {answer.state}: {answer.message}")


@waiver.command()
@click.argument("waiver_id", type=int)
@as_option
def approve(waiver_id: int, login: str | None) -> None:
    """Approve a waiver that another person asked for. The planner judges the held partitions again by itself."""
    answer = approvals.approve_waiver(desk_of(login).control, waiver_id)
    click.echo(f"waiver {answer.subject} is {answer.state}")


@waiver.command("list")
@click.option("--limit", default=30, show_default=True, help="Waivers to show at most.")
@as_option
def list_waivers(limit: int, login: str | None) -> None:
    """List waivers, newest first."""
    show_table(
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
            for each in approvals.waivers(looking(login), limit)
        ),
        empty="No waiver was ever asked for.",
    )


@waiver.command()
@click.argument("waiver_id", type=int, required=False)
@click.option("--limit", default=100, show_default=True, help="Entries to show at most.")
@as_option
def audit(waiver_id: int | None, limit: int, login: str | None) -> None:
    """Show who did or tried what: with one waiver, or with all."""
    show_trail(approvals.waiver_audit(looking(login), waiver_id, limit))


commands = (waiver,)
