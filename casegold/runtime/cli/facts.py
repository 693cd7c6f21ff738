"""Commands about held facts: look, admit by a backfill, reject. Not here: what holds them (`runtime.jobs.ingest`)."""

from __future__ import annotations

import click

from casegold.domain.errors import ConfigurationError
from casegold.manifest import approvals
from casegold.manifest import facts as held_facts
from casegold.manifest.db import ControlDb
from casegold.runtime.cli.operate import reason_option
from casegold.runtime.cli.persons import as_option, contract_and_range, desk_of, looking
from casegold.runtime.cli.read import SHORT_ID
from casegold.runtime.cli.tables import show as show_table
from casegold.runtime.contracts import JUDGE


@click.group()
def facts() -> None:
    """Facts that came too late to count by themselves."""


@facts.command()
@click.option("--limit", default=30, show_default=True, help="Facts to show at most.")
@as_option
def held(limit: int, login: str | None) -> None:
    """List facts that nobody has decided on, by the first date that they change."""
    found = held_facts.held(looking(login), limit)
    show_table(
        f"Held facts: {found[0].total if found else 0}",
        ("changes from", "event", "type", "case", "held", "why"),
        ((f.dirty_from, f.event_id, f.event_type, f.case_id, f.held_at, f.held_because) for f in found),
        empty="No fact is held.",
    )


@facts.command()
@click.argument("event_id")
@as_option
def show(event_id: str, login: str | None) -> None:
    """Tell what became of a fact that was held."""
    for fact in _known(looking(login), event_id):
        show_table(
            f"Fact {fact.event_id}",
            ("what", "value"),
            (
                ("source", fact.source),
                ("type", fact.event_type),
                ("case", fact.case_id),
                ("changes figures from", fact.dirty_from),
                ("came with ingest", fact.ingest_seq),
                ("state", fact.state),
                ("held because it", fact.held_because),
                ("held", fact.held_at),
                ("counts from number", fact.admitted_seq),
                ("decided", fact.decided_at),
                ("decided by", fact.decided_by),
                ("reason", fact.reason),
                ("backfill", fact.backfill_run_id),
            ),
            empty="",
        )


@facts.command()
@click.option("--from", "first", required=True, help="Admit facts that change figures from this date on, or later.")
@click.option("--to", "last", required=True, help="... but not later than this one.")
@reason_option
@as_option
def admit(first: str, last: str, reason: str, login: str | None) -> None:
    """Ask for a backfill whose plan admits the held facts of a range."""
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
    """Decide that held facts never count: all that are named, or none. Final, and no figure changes."""
    answer = approvals.reject_facts(desk_of(login).control, event_ids, reason)
    click.echo(f"{answer.subject} facts are {answer.state}: {answer.message}")


def _known(control: ControlDb, event_id: str) -> list[held_facts.Fact]:
    found = held_facts.find(control, event_id)
    if not found:
        raise ConfigurationError(f"{event_id} was never held", remedy="`casegold facts held` lists what waits")
    return found


commands = (facts,)
