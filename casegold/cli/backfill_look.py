"""Commands that show backfills: list, status, audit. They change nothing."""

from __future__ import annotations

import json

import click

from casegold.cli.backfill_work import progress, shadow_below
from casegold.cli.output import TABLE, Output, described, listed
from casegold.cli.persons import SHORT_ID, as_option, looking, show_trail, trail_below
from casegold.cli.values import Below, Short, span
from casegold.control.changes import approvals
from casegold.control.changes.approvals import BackfillRequest


@click.command("list")
@click.option("--all", "ended_too", is_flag=True, help="Include ended requests.")
@as_option
@listed(limit=30)
def list_requests(ended_too: bool, login: str | None, out: Output) -> None:
    """List requests: what each would change, and what it waits for.

    \b
    Examples:
      casegold backfill list
      casegold backfill list --all --format json
    """
    out.rows(
        "Backfills",
        ("request", "dataset", "partitions", "mode", "state", "waits for", "restated#", "asked by", "asked", "reason"),
        (
            (
                Short(each.backfill_run_id, SHORT_ID),
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
            for each in approvals.requests(looking(login), out.limit, ended_too=ended_too)
        ),
        empty="No backfill is waiting." if not ended_too else "No backfill was ever asked for.",
    )


@click.command()
@click.argument("request_id")
@as_option
@described()
def status(request_id: str, login: str | None, out: Output) -> None:
    """Show a request, its plan, its runs and its audit trail. An approver needs the digest of the plan.

    \b
    Examples:
      casegold backfill status bf_8c01
      casegold backfill status bf_8c01 --format json
    """
    control = looking(login)
    found = approvals.find(control, request_id)
    facts = {
        "request": found.backfill_run_id,
        "dataset": found.dataset,
        "partitions": span(found.first, found.last),
        "published partitions it changes": found.restated,
        "mode": found.mode,
        "reason": found.reason,
        "state": found.state,
        "note": found.note,
        "waits for": _waits_for(found),
        "asked by": _who(found.requested_by, found.requested_person),
        "asked": found.requested_at,
        "expires": found.expires_at,
        "planned by": _who(found.planned_by, found.planned_person),
        "approved by level": found.approvals,
        "digest of the plan": found.plan_digest,
    }
    shadow = shadow_below(control, found.backfill_run_id)
    facts |= {name: value for name, value in shadow.items() if not isinstance(value, Below)}
    below = {
        "runs": progress(control, found.backfill_run_id),
        **shadow,
        "trail": trail_below(approvals.audit(control, found.backfill_run_id, 100)),
    }
    if out.form == TABLE and found.plan is not None:
        out.facts(f"Backfill {found.backfill_run_id}", facts)
        click.echo(f"\nPlan\n{json.dumps(found.plan, indent=2)}")  # json escapes non-ASCII: no invisible character
        out.below(below)
    else:
        out.facts(f"Backfill {found.backfill_run_id}", {**facts, "plan": found.plan, **below})


@click.command()
@click.argument("request_id", required=False)
@as_option
@listed(limit=100)
def audit(request_id: str | None, login: str | None, out: Output) -> None:
    """Show the audit trail: who did or tried what, and when. Of one request, or of all.

    \b
    Examples:
      casegold backfill audit
      casegold backfill audit bf_8c01
    """
    control = looking(login)
    whole = approvals.find(control, request_id).backfill_run_id if request_id else None
    show_trail(approvals.audit(control, whole, out.limit), out)


def _waits_for(found: BackfillRequest) -> str | None:
    match found.state:
        case "REQUESTED":
            return "a plan"
        case "PLANNED":
            return "approval of level " + " and ".join(str(level) for level in found.missing_levels)
        case "APPROVED":
            return "its execution"
        case "PAUSED":
            return "somebody to resume it"
        case _:
            return None


def _who(login: str | None, person: str | None) -> str | None:
    if login is None:
        return None
    return f"{person} ({login})" if person else login
