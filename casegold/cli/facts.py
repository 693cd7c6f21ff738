"""Commands for held facts: list, admit by a backfill, reject. Not here: holding them (`jobs.ingest`)."""

from __future__ import annotations

import click

from casegold.cli.arguments import SHORT_ID, reason_option
from casegold.cli.output import Output, listed
from casegold.cli.persons import as_option, contract_and_range, desk_of, looking
from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.control.ingest import held_facts
from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import JUDGE


@click.group()
def facts() -> None:
    """Decide on held facts: events that came too late to change published figures automatically.

    Admit them by a backfill, which another person approves, or reject them.

    \b
    Examples:
      casegold facts held
      casegold facts admit --from 2026-01-01 --to 2026-01-31 --reason "confirmed by the source" --as ann
      casegold facts reject 5f0c-17 --reason "sent by mistake" --as bob
    """


@facts.command()
@as_option
@listed(limit=30)
def held(login: str | None, out: Output) -> None:
    """List held facts that wait for a decision. They are sorted by the first date that they would change.

    \b
    Examples:
      casegold facts held
      casegold facts held --format json
    """
    found = held_facts.held(looking(login), out.limit)
    out.rows(
        f"Held facts: {found[0].total if found else 0}",
        ("changes from", "event", "type", "case", "source", "held", "why"),
        ((f.dirty_from, f.event_id, f.event_type, f.case_id, f.source, f.held_at, f.held_because) for f in found),
        empty="No fact is held.",
    )


@facts.command()
@click.argument("event_id")
@as_option
@listed()
def show(event_id: str, login: str | None, out: Output) -> None:
    """Show what became of a held fact. There is one row for each source that has an event with this id.

    \b
    Examples:
      casegold facts show 5f0c-17
      casegold facts show 5f0c-17 --format json
    """
    out.rows(
        f"Fact {event_id}",
        (
            "source",
            "type",
            "case",
            "changes from",
            "ingest#",
            "state",
            "held because",
            "held",
            "counts from#",
            "decided",
            "decided by",
            "reason",
            "backfill",
        ),
        (
            (
                fact.source,
                fact.event_type,
                fact.case_id,
                fact.dirty_from,
                fact.ingest_seq,
                fact.state,
                fact.held_because,
                fact.held_at,
                fact.admitted_seq,
                fact.decided_at,
                fact.decided_by,
                fact.reason,
                fact.backfill_run_id,
            )
            for fact in _known(looking(login), event_id)
        ),
        empty="",
    )


@facts.command()
@click.option("--from", "first", required=True, help="Admit facts whose first changed date is this one or later ...")
@click.option("--to", "last", required=True, help="... and this one or earlier.")
@reason_option
@as_option
def admit(first: str, last: str, reason: str, login: str | None) -> None:
    """Ask for a backfill that admits the held facts of a range of dates.

    \b
    Examples:
      casegold facts admit --from 2026-01-01 --to 2026-01-31 --reason "confirmed by the source" --as ann
    """
    desk = desk_of(login)
    _, partitions = contract_and_range(desk.settings, JUDGE, first, last)
    answer = approvals.request(desk.control, JUDGE, partitions, "BACKFILL", reason)
    click.echo(
        f"{answer.subject} is {answer.state}: `casegold backfill plan {answer.subject[:SHORT_ID]}` shows the facts"
    )


@facts.command()
@click.argument("event_ids", nargs=-1, required=True)
@reason_option
@as_option
def reject(event_ids: tuple[str, ...], reason: str, login: str | None) -> None:
    """Reject held facts: all that are named, or none. Rejected facts never count; no figure changes. Final.

    \b
    Examples:
      casegold facts reject 5f0c-17 5f0c-18 --reason "sent by mistake" --as bob
    """
    answer = approvals.reject_facts(desk_of(login).control, event_ids, reason)
    click.echo(f"{answer.subject} facts are {answer.state}: {answer.message}")


def _known(control: ControlDb, event_id: str) -> list[held_facts.Fact]:
    found = held_facts.find(control, event_id)
    if not found:
        raise ConfigurationError(f"{event_id} was never held", remedy="`casegold facts held` lists the held facts")
    return found


commands = (facts,)
