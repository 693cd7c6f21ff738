"""`casegold runs`: list runs, or show all that is recorded of one. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from casegold.cli.arguments import DATASET, SHORT_ID, as_instant, find_run
from casegold.cli.output import JSON, Output, described, listed
from casegold.cli.values import Below, Short, Span, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATES = ("OPEN", "SUCCEEDED", "HELD", "FAILED", "CANCELLED", "SUPERSEDED")


@click.group(invoke_without_command=True)
@click.pass_context
def runs(context: click.Context) -> None:
    """List runs, or show all that is recorded of one. Without a subcommand, the newest runs are listed.

    \b
    Examples:
      casegold runs
      casegold runs list --dataset gold/case_daily_snapshot --state FAILED
      casegold runs show 3f9a1c
    """
    if context.invoked_subcommand is None:
        context.invoke(list_runs)


@runs.command("list")
@click.option("--dataset", type=DATASET, metavar="DATASET", help="Only runs of this dataset.")
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="Only runs in this state.")
@click.option(
    "--since", metavar="INSTANT", help="Only runs asked for since then; a date means its end, business time zone."
)
@listed(limit=30)
def list_runs(dataset: str | None, state: str | None, since: str | None, out: Output) -> None:
    """List runs, newest first, with their last attempt and its exit class.

    \b
    Examples:
      casegold runs list
      casegold runs list --dataset gold/case_daily_snapshot --state FAILED
      casegold runs list --since 2026-03-01T00:00:00Z --format json
      casegold runs list --columns run,state,exit,message
    """
    from casegold.control.runs import listing  # noqa: PLC0415 - loads the database's client
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    platform = open_platform()
    instant = None if since is None else as_instant(since, platform.calendar)
    rows = listing.runs(platform.control, dataset, out.limit, state=state, since=instant)
    out.rows(
        "Runs",
        (
            "run",
            "pipeline",
            "dataset",
            "range",
            "mode",
            "state",
            "attempt#",
            "exit#",
            "seconds#",
            "asked by",
            "asked at",
            "message",
        ),
        (
            (
                Short(row["run_id"], SHORT_ID),
                row["pipeline"],
                row["dataset"],
                span(row["first"], row["last"]),
                row["mode"],
                row["state"],
                row["attempt"],
                row["exit_class"],
                row["seconds"],
                row["requested_by"],
                row["requested_at"],
                (row["message"] or "").split("\n")[0] or None,
            )
            for row in rows
        ),
        empty="No such run yet. Sensors ask for runs once events arrive on Kafka.",
        seldom=("message",),
    )


@runs.command("show")
@click.argument("run_id")
@described()
def show_run(run_id: str, out: Output) -> None:
    """Show all that is recorded of a run, as an auditor wants it.

    That is its manifest: who asked and why, inputs, attempts, checks, results. RUN_ID may be a unique prefix. The JSON
    is complete; contracts/answers/RunManifest.v1.json is its schema, and docs/run-manifest.md explains each field.

    \b
    Examples:
      casegold runs show 3f9a1c
      casegold runs show 3f9a1c --format json > run.json
    """
    from casegold.control.runs import run_record  # noqa: PLC0415 - loads the database's client
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    platform = open_platform()
    with platform.control.read() as connection:
        record = run_record.of_run(connection, find_run(connection, run_id), platform.contracts)
    if out.form == JSON:
        out.document(record)
    else:
        out.facts(f"Run {record['run_id']}", _facts(record))


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for people. Long parts are in the JSON only, such as checks that passed."""
    partitions, validation, claim = record["partitions"], record["validation"], record["claim"]
    judged = f"{validation['verdict']}: {validation['failed']} of {validation['required']} required results failed"
    failed = [check for check in validation["checks"] if check["status"] not in ("PASSED", "TOLERATED")]
    return {
        "pipeline": record["pipeline"],
        "dataset": record["dataset"],
        "owners": record["owners"],
        "partitions": partitions and Span(partitions["first"], partitions["last"]),
        "mode": record["mode"],
        "state": record["state"],
        "asked by": record["requested_by"],
        "asked at": record["requested_at"],
        "why": record["caused_by"],
        "ended at": record["ended_at"],
        "transform version": record["transform_version"],
        "validation": judged if validation["required"] else validation["verdict"],
        "works on it now": claim and f"attempt {claim['attempt']}",
        "outcome": record["outcome"],
        **{f"parameter {name}": value for name, value in record["parameters"].items()},
        **{f"scope {name}": value for name, value in record["scope"].items()},
        **{f"backfill {name}": value for name, value in (record["backfill"] or {}).items() if name != "approvals"},
        "triggers": _below("Triggered by", record["triggers"], "source", "event_id", "event_type", "received_at"),
        "approvals": _below("Approved by", (record["backfill"] or {}).get("approvals", [])),
        "attempts": _below(
            "Attempts", record["attempts"], "attempt", "state", "exit_name", "started_at", "ended_at", "message"
        ),
        "decisions": _below("Decided by people", record["decisions"]),
        "ingested": _below(
            "Ingested", record["ingested"], "dataset", "sequence", "records", "accepted", "duplicates", "conflicts",
            "rejected",
        ),
        "inputs": _below("Inputs", record["inputs"]),
        "failed": _below(
            "Checks that did not pass", failed, "attempt", "partition", "check", "required", "status", "failures",
            "expected", "actual",
        ),
        "holds": _below("Holds", record["holds"]),
        "versions": _below(
            "Versions made", record["versions"], "dataset", "version", "state", "quality_status", "publication",
            "partitions", "first", "last", "rows", "completed_at",
        ),
        "verifications": _below(
            "Verified", record["verifications"], "partition", "version", "outcome", "asked_by", "verified_at", "reason"
        ),
        "announcements": _below("Announced", record["announcements"]),
    }  # fmt: skip


def _below(title: str, rows: Sequence[Mapping[str, Any]], *columns: str) -> Below:
    """Some columns of the rows, by default all, as a table. Integers are right-aligned."""
    names = columns or tuple(rows[0] if rows else ())
    headers = [f"{name.replace('_', ' ')}{'#' * isinstance(rows[0][name], int)}" for name in names if rows]
    return Below(title, headers, [[row[name] for name in names] for row in rows])


commands = (runs,)
