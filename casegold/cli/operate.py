"""Commands for a person on duty: the business clock, and retry or cancel of a run."""

from __future__ import annotations

import click
from psycopg.errors import UniqueViolation

from casegold.cli.arguments import SHORT_ID, find_run, reason_option
from casegold.cli.output import TABLE, Output, described
from casegold.cli.values import Below
from casegold.control import installation
from casegold.control.runs import interventions
from casegold.domain.calendar import last_date_over
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query
from casegold.runtime.platform import Platform, open_platform

ROOM = "casegold.cli"


@click.group()
def clock() -> None:
    """Show or set the business clock, which decides which dates are over. Only such dates can be closed.

    \b
    Examples:
      casegold clock show
      casegold clock fix 2012-01-24T00:00:00+01:00 --reason "end of the log"
    """


@clock.command()
@described()
def show(out: Output) -> None:
    """Show the clock, the last date that is over, and all changes.

    \b
    Examples:
      casegold clock show
      casegold clock show --format json
    """
    _tell(open_platform(), out)


@clock.command()
@click.argument("instant")
@reason_option
def fix(instant: str, reason: str) -> None:
    """Stop the clock at an INSTANT. No date after it is over.

    Use it for historical data, such as an imported event log: dates after its end are then never closed.

    \b
    Examples:
      casegold clock fix 2012-01-24T00:00:00+01:00 --reason "end of the log"
    """
    if instant == "system":
        raise click.BadParameter("use `casegold clock system`", param_hint="INSTANT")
    _set(instant, reason)


@clock.command()
@reason_option
def system(reason: str) -> None:
    """Let the business clock follow the system clock.

    \b
    Examples:
      casegold clock system --reason "the rehearsal is over"
    """
    _set("system", reason)


def _set(value: str, reason: str) -> None:
    platform = open_platform()
    installation.set_business_clock(platform.control, value, reason)
    _tell(platform, Output(TABLE))
    click.echo(
        "Dagster shows partitions up to that date after `Reload` on its Deployment page, or a new `casegold dev`."
    )


def _tell(platform: Platform, out: Output) -> None:
    current = installation.business_clock(platform.control)
    rows = platform.control.rows(query(ROOM, "setting_changes"), {"key": installation.BUSINESS_CLOCK})
    changes = [(row["value"], row["changed_at"], row["changed_by"], row["reason"]) for row in rows]
    out.facts(
        "Business clock",
        {
            "time zone": platform.calendar.zone_name,
            "now": current.now(),
            "last date over": last_date_over(platform.calendar, current),
            "changes": Below("Changes, newest first", ("clock", "since", "by", "reason"), changes),
        },
    )


@click.command()
@click.argument("run_id")
@reason_option
def retry(run_id: str, reason: str) -> None:
    """Reopen a run that was held, failed or cancelled; RUN_ID may be a unique prefix.

    \b
    Examples:
      casegold retry 3f9a1c --reason "the missing totals have arrived"
    """
    with open_platform().control.write("run-retry") as connection:
        whole = find_run(connection, run_id)
        try:
            manifest = interventions.retry(connection, whole, connection.info.user, reason)
        except UniqueViolation as error:
            raise ConfigurationError(
                f"another run of the dataset of {whole[:SHORT_ID]} is open, and does the same work",
                remedy="`casegold runs` shows it; retry once it has ended, if still needed",
            ) from error
    click.echo(f"run {whole[:SHORT_ID]} of {manifest.dataset} is open again; its sensor asks for the next attempt")


@click.command()
@click.argument("run_id")
@reason_option
def cancel(run_id: str, reason: str) -> None:
    """End a waiting or running run, until somebody retries it; RUN_ID may be a unique prefix.

    A process that executes the run can commit nothing from now on, and stops within seconds or at its next step.

    \b
    Examples:
      casegold cancel 3f9a1c --reason "asked for by mistake"
    """
    with open_platform().control.write("run-cancel") as connection:
        whole = find_run(connection, run_id)
        manifest = interventions.cancel(connection, whole, connection.info.user, reason)
    click.echo(
        f"run {whole[:SHORT_ID]} of {manifest.dataset} is cancelled; `casegold retry {whole[:SHORT_ID]}` opens it again"
    )


commands = (clock, retry, cancel)
