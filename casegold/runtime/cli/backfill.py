"""Commands about backfills under four eyes: ask, decide, stop, look. Not here: making and executing a plan."""

from __future__ import annotations

import json

import click

from casegold.manifest import approvals
from casegold.manifest.approvals import Answer, BackfillRequest
from casegold.runtime.cli.backfill_work import execute, plan, show_progress, show_shadow
from casegold.runtime.cli.operate import reason_option
from casegold.runtime.cli.persons import SHORT_ID, as_option, contract_and_range, desk_of, looking, show_trail
from casegold.runtime.cli.tables import show as show_table
from casegold.runtime.cli.tables import span

MIN_DIGEST = 12
"""Digits of a plan's digest that an approver has to type: enough to tell it from any other plan."""


@click.group()
def backfill() -> None:
    """Change published figures: one person asks and plans, another approves, the platform executes."""


@backfill.command()
@click.argument("dataset")
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
    """Ask for a backfill of DATASET from partition FIRST to LAST, dates or months."""
    desk = desk_of(login)
    _, partitions = contract_and_range(desk.settings, dataset, first, last)
    _tell(approvals.request(desk.control, dataset, partitions, mode, reason))


@backfill.command()
@click.argument("request_id")
@click.option("--digest", required=True, help="Digest of the plan that you read, or its first 12 digits or more.")
@as_option
def approve(request_id: str, digest: str, login: str | None) -> None:
    """Approve exactly the plan that `casegold backfill status` shows under this digest."""
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
    """Say no to a request, for good."""
    control = desk_of(login).control
    _tell(approvals.reject(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def cancel(request_id: str, reason: str, login: str | None) -> None:
    """Give a request up, or stop its execution for good."""
    control = desk_of(login).control
    _tell(approvals.cancel(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def pause(request_id: str, reason: str, login: str | None) -> None:
    """Let an execution make no further step until it is resumed."""
    control = desk_of(login).control
    _tell(approvals.pause(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command()
@click.argument("request_id")
@reason_option
@as_option
def resume(request_id: str, reason: str, login: str | None) -> None:
    """Let a paused execution go on."""
    control = desk_of(login).control
    _tell(approvals.resume(control, approvals.find(control, request_id).backfill_run_id, reason))


@backfill.command("list")
@click.option("--all", "ended_too", is_flag=True, help="Ended requests, too.")
@click.option("--limit", default=30, show_default=True, help="Requests to show at most.")
@as_option
def list_requests(ended_too: bool, limit: int, login: str | None) -> None:
    """List requests: what each would change, and what it waits for."""
    show_table(
        "Backfills",
        ("request", "dataset", "partitions", "mode", "state", "waits for", "restated#", "asked by", "asked", "reason"),
        (
            (
                each.backfill_run_id[:SHORT_ID],
                each.dataset,
                span(each.first, each.last),
                each.mode,
                each.state,
                _waits_for(each),
                each.restated,
                each.requested_person or each.requested_by,
                each.requested_at,
                each.reason,
            )
            for each in approvals.requests(looking(login), limit, ended_too=ended_too)
        ),
        empty="No backfill is waiting." if not ended_too else "No backfill was ever asked for.",
    )


@backfill.command()
@click.argument("request_id")
@as_option
def status(request_id: str, login: str | None) -> None:
    """Show a request, its plan with the digest to approve, and its trail."""
    control = looking(login)
    found = approvals.find(control, request_id)
    show_table(
        f"Backfill {found.backfill_run_id}",
        ("what", "value"),
        (
            ("dataset", found.dataset),
            ("partitions", span(found.first, found.last)),
            ("published partitions it changes", found.restated),
            ("mode", found.mode),
            ("reason", found.reason),
            ("state", found.state + (f": {found.note}" if found.note else "")),
            ("waits for", _waits_for(found)),
            ("asked by", _who(found.requested_by, found.requested_person)),
            ("asked", found.requested_at),
            ("expires", found.expires_at),
            ("planned by", _who(found.planned_by, found.planned_person)),
            ("approved by level", ", ".join(found.approvals)),
            ("digest of the plan", found.plan_digest),
        ),
        empty="",
    )
    if found.plan is not None:
        click.echo(f"\nPlan\n{json.dumps(found.plan, indent=2)}\n")  # ASCII: every character is seen
    show_progress(control, found.backfill_run_id)
    show_shadow(control, found.backfill_run_id)
    show_trail(approvals.audit(control, found.backfill_run_id, 100))


@backfill.command()
@click.argument("request_id", required=False)
@click.option("--limit", default=100, show_default=True, help="Entries to show at most.")
@as_option
def audit(request_id: str | None, limit: int, login: str | None) -> None:
    """Show who did or tried what: with one request, or with all."""
    control = looking(login)
    whole = approvals.find(control, request_id).backfill_run_id if request_id else None
    show_trail(approvals.audit(control, whole, limit))


def _tell(answer: Answer) -> None:
    click.echo(f"{answer.subject} is {answer.state}: {answer.message}")


def _waits_for(found: BackfillRequest) -> str:
    match found.state:
        case "REQUESTED":
            return "a plan"
        case "PLANNED":
            return "approval of level " + " and ".join(str(level) for level in found.missing_levels)
        case "APPROVED":
            return "its execution"
        case "PAUSED":
            return "being resumed"
        case _:
            return ""


def _who(login: str | None, person: str | None) -> str:
    if login is None:
        return ""
    return f"{person} ({login})" if person else login


backfill.add_command(plan)
backfill.add_command(execute)
commands = (backfill,)
