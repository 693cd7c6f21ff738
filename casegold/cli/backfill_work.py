"""Commands that plan and execute a backfill, and its progress. Not here: asking, approving, stopping (`backfill`)."""

from __future__ import annotations

from typing import Any

import click

from casegold.cli.arguments import SHORT_ID as SHORT_RUN
from casegold.cli.diff import columns_below
from casegold.cli.output import JSON, Output, described
from casegold.cli.persons import SHORT_ID, as_option, contract_and_range, desk_of
from casegold.cli.tables import show_lines
from casegold.cli.values import Below, Short, span
from casegold.control.changes import approvals, replay_plan, shadows
from casegold.control.changes.backfill_plan import Plan, Wanted
from casegold.control.changes.replay_plan import Emission
from casegold.control.db import ControlDb
from casegold.control.model import Mode, PartitionRange
from casegold.control.versions.model import short_id
from casegold.domain.contract import shadow_of
from casegold.domain.difference import OFFICIAL
from casegold.domain.sql import query
from casegold.operations import backfills
from casegold.runtime.platform import Platform, open_platform

ROOM = "casegold.cli"

MAX_SHOWN = 40
"""Maximum number of a shadow's partitions that `status` prints; `casegold diff` prints all."""


@click.command()
@click.argument("request_id", required=False)
@click.option(
    "--dry-run",
    nargs=3,
    metavar="DATASET FIRST LAST",
    help="Only show what a backfill of this range would do; create no request.",
)
@click.option("--emit", metavar="TOPIC", help="For a replay: the topic to send its events to.")
@click.option("--rate", default=500, show_default=True, help="For a replay: at most this many events per second.")
@click.option("--promote", metavar="SHADOW", help="Publish exactly the rows of this shadow, or nothing.")
@as_option
@described()
def plan(
    request_id: str | None,
    dry_run: tuple[str, str, str] | None,
    emit: str | None,
    rate: int,
    promote: str | None,
    login: str | None,
    out: Output,
) -> None:
    """Plan a request: show what it changes, admits and costs. Then the plan waits for approval.

    The plan lists the partitions to restate, and the held facts that would count. It is final: to change it, cancel
    the request and make a new one.

    \b
    Examples:
      casegold backfill plan --dry-run gold/case_daily_snapshot 2026-01-01 2026-01-31
      casegold backfill plan bf_8c01 --as ann
      casegold backfill plan bf_8c01 --emit replays.v1 --rate 200 --as ann
      casegold backfill plan bf_8c01 --promote bf_77aa --as ann
    """
    if (request_id is None) == (dry_run is None):
        raise click.UsageError("give a request, or a range after --dry-run")
    platform = open_platform()
    if dry_run is not None:
        dataset, first, last = dry_run
        _, partitions = contract_and_range(platform.settings, dataset, first, last)
        _show(backfills.plan_of(platform, Wanted(dataset, partitions, Mode.BACKFILL)), out)
        return
    person = desk_of(login).control
    found = approvals.find(person, str(request_id))
    mode, partitions = Mode(found.mode), PartitionRange(found.first, found.last)
    if (mode is Mode.REPLAY) != (emit is not None):
        raise click.UsageError("a request of mode REPLAY needs --emit TOPIC; no other mode takes it")
    if emit is not None:
        if promote is not None:
            raise click.UsageError("--promote does not apply to a replay")
        document = _plan_replay(platform, found.dataset, partitions, Emission(emit, rate), out)
    else:
        promoted = None if promote is None else approvals.find(person, promote).backfill_run_id
        made = backfills.plan_of(platform, Wanted(found.dataset, partitions, mode, promoted))
        _show(made, out)
        document = made.as_json()
    digest = approvals.submit(person, found.backfill_run_id, document)
    out.say(f"\n{found.backfill_run_id} is PLANNED. Another person approves it with")
    out.say(f"  casegold backfill approve {found.backfill_run_id[:SHORT_ID]} --digest {digest[:SHORT_RUN]}")


def _plan_replay(
    platform: Platform, dataset: str, partitions: PartitionRange, emission: Emission, out: Output
) -> dict[str, Any]:
    with platform.control.read() as connection:
        made = replay_plan.make(connection, platform.contracts, dataset, partitions, emission).as_json()
    if out.form == JSON:
        out.document(made)
    else:
        show_lines(f"Plan of a REPLAY of the facts of {dataset}", made.items())
    return made


def _show(made: Plan, out: Output) -> None:
    if out.form == JSON:
        out.document(made.as_json())
    else:
        show_lines(f"Plan of a {made.mode} of {made.dataset}", backfills.rows_of(made))


@click.command()
@click.argument("request_id")
@click.option("--digest", help="Digest of the plan to execute; default: the approved one.")
def execute(request_id: str, digest: str | None) -> None:
    """Begin an approved backfill. The planner then asks for its runs; `casegold backfill status` shows their progress.

    Refused if anything that the figures depend on has changed since it was planned.

    \b
    Examples:
      casegold backfill execute bf_8c01
    """
    begun = backfills.begin(open_platform(), request_id, digest)
    click.echo(f"{begun.answer.subject} is {begun.answer.state}: {begun.answer.message}")
    if begun.new_dates is not None:
        click.echo(f"Dates closed since the plan was made are computed, too: {begun.new_dates}")


def progress(control: ControlDb, backfill_run_id: str) -> Below:
    """The runs of a backfill and their outcomes."""
    rows = control.rows(query(ROOM, "backfill_progress"), {"id": backfill_run_id})
    announced = sum(1 for row in rows if row["version"])
    sent = sum(int((row["outcome"] or {}).get("events", 0)) for row in rows)
    quiet = f", marked so that no consumer notifies anybody: {announced} versions, {sent} replayed events"
    return Below(
        "Runs" + (quiet if announced or sent else ""),
        ("run", "what", "dataset", "partitions", "state", "attempt#", "last attempt", "version", "outcome"),
        [
            (
                Short(row["run_id"], SHORT_RUN),
                row["pipeline"],
                row["dataset"],
                span(row["first"], row["last"]),
                row["state"],
                row["attempt"],
                row["attempt_state"],
                short_id(row["dataset"], row["version"]) if row["version"] else None,
                _outcome(row["outcome"]),
            )
            for row in rows
        ],
    )


def shadow_below(control: ControlDb, backfill_run_id: str) -> dict[str, Any]:
    """How the rows of a shadow differ from the official ones; empty for a request without a shadow."""
    with control.read() as connection:
        shadow = shadows.find(connection, backfill_run_id)
    if shadow is None:
        return {}
    apart = [each for each in shadow.partitions if each.difference.differs or not each.passed]
    where = f"{shadow_of(shadow.dataset).replace('/', '.')}, branch {shadow.branch}"
    rows = (
        "no longer kept" if shadow.is_over else f"in {where}; `casegold diff {shadow.dataset} --shadow ID` shows them"
    )
    differs = f"{len(apart)} of {len(shadow.partitions)} partitions differ or would be held"
    return {
        "the shadow": differs if apart else f"does not differ from {OFFICIAL} in any row",
        "rows of the shadow": rows,
        "shadow": Below(
            f"Shadow compared with {OFFICIAL}: {differs}",
            ("partition", "compared with#", "rows before#", "rows after#", "added#", "removed#", "changed#", "gate"),
            [
                (
                    each.figures.key,
                    each.difference.version_before,
                    each.difference.rows_before,
                    each.difference.rows_after,
                    each.difference.added,
                    each.difference.removed,
                    each.difference.changed,
                    "passed" if each.passed else "would hold it",
                )
                for each in apart[:MAX_SHOWN]
            ],
        ),
        "columns": columns_below(shadow.comparison.columns),
    }


def _outcome(outcome: dict[str, object] | None) -> str:
    """What a run changed: partitions published, unchanged and held, or facts admitted."""
    named = (
        *("facts", "sequence", "published", "unchanged", "held", "events", "topic"),
        *("partitions that differ", "rows that differ", "partitions its gate would hold", "error"),
    )
    return "; ".join(f"{name}: {outcome[name]}" for name in named if name in outcome) if outcome else ""
