"""Commands for day close: show what it waits for, and close an overdue date by hand."""

from __future__ import annotations

from datetime import datetime

import click

from casegold.cli.output import Output, described
from casegold.cli.values import Below

SAMPLE = 10


@click.group()
def days() -> None:
    """Show which dates are closed, and close one whose signals will never come.

    Dates close in order: each one once every source has sent its signal (control totals, a watermark, or the clock)
    and ingest has read all events sent by then. Only closed dates are published.

    \b
    Examples:
      casegold days status
      casegold days close 2026-03-01 --reason "the source was retired on 28 February"
    """


@days.command()
@described()
def status(out: Output) -> None:
    """Show the last closed date, what the next needs, what is overdue.

    \b
    Examples:
      casegold days status
      casegold days status --format json
    """
    from casegold.control import installation  # noqa: PLC0415
    from casegold.control.days import day_close  # noqa: PLC0415
    from casegold.control.integrity import standing_checks  # noqa: PLC0415
    from casegold.jobs import day_close as job  # noqa: PLC0415 - loads Kafka
    from casegold.operations.standing_checks import close_latency  # noqa: PLC0415
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    platform = open_platform()
    report = job.status(platform)
    now = installation.business_clock(platform.control).now()
    overdue = standing_checks.overdue_closes(platform.control, platform.calendar, now, close_latency(platform))
    with platform.control.read() as connection:
        latest = day_close.latest(connection)
    columns = tuple(name.replace("_", " ") for name in overdue.sample[0]) if overdue.sample else ()
    oldest = [list(row.values()) for row in overdue.sample[:SAMPLE]]
    out.facts(
        "Day close",
        {
            "business clock": now,
            "last date over": job.last_over_of(platform),
            "closed up to": latest,
            "next to close": report.next_date,
            "waits for": report.waits_for,
            "overdue dates": overdue.count,
            "overdue": Below("Overdue, oldest first", columns, oldest),
        },
    )
    if overdue.count:
        out.say(f"-> {overdue.question.recovery}")


@days.command()
@click.argument("day", metavar="DATE", type=click.DateTime(formats=["%Y-%m-%d"]))
@click.option("--reason", required=True, help="Why you do not wait for its signals; recorded with the date.")
@click.option(
    "--wait", default=60.0, show_default=True, help="Seconds to wait until ingest has read the events sent so far."
)
def close(day: datetime, reason: str, wait: float) -> None:
    """Close the next date although not every source has sent its signal.

    The date is then computed from the facts in silver. The checks of its gate still require control totals.

    \b
    Examples:
      casegold days close 2026-03-01 --reason "the source was retired on 28 February"
    """
    from casegold.jobs.day_close import close_overdue  # noqa: PLC0415 - loads Kafka
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    if not reason.strip():
        raise click.BadParameter("give a reason", param_hint="--reason")
    close_overdue(open_platform(), day.date(), reason, wait, lambda text: click.echo(text, err=True))
    click.echo(f"{day.date()} is closed; `casegold plan` shows what is due now")


commands = (days,)
