"""Commands that send case events: simulate, import-log, send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from casegold.control.installation import business_clock
from casegold.control.revision import opened
from casegold.domain.calendar import BusinessCalendar, SystemClock, last_date_over
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent
from casegold.runtime.allow_list import allowed, refuse_undeclared
from casegold.runtime.settings import Settings, load_settings
from casegold.source.codec import Encoding
from casegold.source.import_log import EventLog
from casegold.source.jsonl import read_events, write_events
from casegold.source.loading import EncodingMix, Range, send_event, send_totals
from casegold.source.mapping import Mapping, load_mapping
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, Sent
from casegold.source.simulate import simulate as records
from casegold.source.totals import Tally

T = TypeVar("T")
_DATE = click.DateTime(["%Y-%m-%d"])
_SHARE = click.FloatRange(0, 1)
_FILE = click.Path(path_type=Path, dir_okay=False)
_STEP = 1000


def _day(_context: click.Context, _parameter: click.Parameter, value: datetime | None) -> date | None:
    return None if value is None else value.date()


def _progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, with a progress bar if standard error is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(what), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for number, item in enumerate(items, start=1):
            yield item
            if number % _STEP == 0:
                progress.update(task, completed=number)


@click.command()
@click.option("--cases", type=click.IntRange(1), required=True, help="Number of cases; about 7 events each.")
@click.option("--days", type=click.IntRange(1), required=True, help="Number of dates to spread them over.")
@click.option("--seed", type=int, required=True, help="The same seed and options give the same events.")
@click.option("--until", type=_DATE, callback=_day, help="Last date; default: yesterday in the business time zone.")
@click.option("--to", type=_FILE, help="Write the events to this file as JSON lines instead of sending them.")
@click.option("--duplicates", type=_SHARE, default=0.005, show_default=True, help="Share of events sent twice.")
@click.option("--out-of-order", type=_SHARE, default=0.02, show_default=True, help="Share sent hours late.")
@click.option("--late", type=_SHARE, default=0.0, show_default=True, help="Share sent one to five days late.")
@click.option("--conflicting", type=_SHARE, default=0.0, show_default=True, help="Share sent again with other content.")
@click.option(
    "--settled", is_flag=True, help="Send a correction after each conflict; otherwise conflicts close the gate."
)
@click.option("--poison", type=_SHARE, default=0.0, show_default=True, help="Share of records that are no events.")
@click.option("--binary", type=_SHARE, default=0.2, show_default=True, help="Share as CloudEvents with headers.")
@click.option("--structured", type=_SHARE, default=0.2, show_default=True, help="Share as CloudEvents in JSON.")
@click.option(
    "--totals-revision",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Revision of the control totals; a higher one replaces a lower one.",
)
@click.option(
    "--totals-error", type=_DATE, callback=_day, help="Send control totals for this date that are 1 too high."
)
def simulate(
    cases: int,
    days: int,
    seed: int,
    until: date | None,
    to: Path | None,
    duplicates: float,
    out_of_order: float,
    late: float,
    conflicting: float,
    settled: bool,
    poison: float,
    binary: float,
    structured: float,
    totals_revision: int,
    totals_error: date | None,
) -> None:
    """Simulate a case system: generate its events and control totals, and send them.

    \b
    Examples:
      casegold simulate --cases 1000 --days 30 --seed 1
      casegold simulate --cases 100 --days 10 --seed 7 --late 0.05 --poison 0.01
      casegold simulate --cases 100 --days 10 --seed 1 --to events.jsonl
    """
    settings = load_settings()
    calendar = BusinessCalendar(settings.time_zone)
    plan = Plan(
        cases=cases,
        days=days,
        seed=seed,
        until=until or last_date_over(calendar, SystemClock()),
        calendar=calendar,
        duplicates=duplicates,
        out_of_order=out_of_order,
        late=late,
        conflicting=conflicting,
        settled=settled,
        poison=poison,
    )
    if to is not None:
        _refuse_unwritable(poison, totals_error)
        events = (sent.event for sent in _progress(records(plan), "events written") if sent.event is not None)
        click.echo(f"{write_events(to, events)} events of {plan.first} to {plan.until} written to {to}")
        return
    span = Range(plan.first, plan.until, plan.as_of, totals_revision, totals_error)
    refuse_undeclared(settings, plan.source, "the simulated case system")
    _send_simulated(settings, plan, span, EncodingMix(binary, structured))


def _refuse_unwritable(poison: float, totals_error: date | None) -> None:
    if poison or totals_error:
        raise ConfigurationError(
            "--poison and --totals-error cannot be written to a file", remedy="omit them with --to"
        )


def _send_simulated(settings: Settings, plan: Plan, span: Range, mix: EncodingMix) -> None:
    tally, random = Tally(plan.source, plan.calendar), Random(plan.tag)  # noqa: S311 - reproducible, not secret
    with RecordSender(settings.kafka_config()) as sender:
        for sent in _progress(records(plan), "records sent"):
            _send_record(sender, settings, sent, mix.choose(random))
            if sent.event is not None and sent.counted:
                tally.add(sent.event)
        totals = send_totals(sender, settings.totals_topic, tally, span)
        click.echo(f"{sender.sent - totals} records to {settings.events_topic}, of which {tally.events} events count")
    click.echo(
        f"{totals} control totals to {settings.totals_topic}: {span.first} to {span.last}, revision {span.revision}"
    )


def _send_record(sender: RecordSender, settings: Settings, sent: Sent, encoding: Encoding) -> None:
    if sent.event is None:
        sender.send(settings.events_topic, sent.key, sent.poison)
    else:
        send_event(sender, settings.events_topic, sent.event, encoding, settings.plain_source)


@click.command("import-log")
@click.argument("file", type=_FILE)
@click.option("--mapping", "mapping_file", type=_FILE, required=True, help="What the log's columns mean (YAML).")
@click.option("--dry-run", is_flag=True, help="Check everything, send nothing.")
@click.option("--to", type=_FILE, help="Write the events to this file as JSON lines instead of sending them.")
@click.option(
    "--totals-revision",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Revision of the control totals; a higher one replaces a lower one.",
)
def import_log(file: Path, mapping_file: Path, dry_run: bool, to: Path | None, totals_revision: int) -> None:
    """Send a real event log (CSV or XES, also .gz) as case events. Idempotent: a second import changes nothing.

    The whole file is checked before the first event is sent.

    \b
    Examples:
      casegold import-log receipt.csv --mapping contracts/mappings/receipt.yaml --dry-run
      casegold import-log receipt.csv --mapping contracts/mappings/receipt.yaml
    """
    settings, mapping = load_settings(), load_mapping(mapping_file)
    refuse_undeclared(settings, mapping.source, f"{mapping_file}: source")
    calendar = BusinessCalendar(settings.time_zone)
    log = EventLog(file, mapping, allowed(settings, calendar))
    tally = Tally(mapping.source, calendar)
    for event in _progress(log.check(), "events checked"):
        tally.add(event)
    dates = tally.span()
    if dates is None:
        raise ConfigurationError(f"{file}: the mapping yields no event", remedy="map at least one of its activities")
    span = Range(*dates, calendar.end_of(dates[1]), totals_revision)
    click.echo(f"{file.name}: {log.rows} rows, {log.cases} cases, {tally.events} events, {dates[0]} to {dates[1]}")
    for kind, count in tally.by_type().items():
        click.echo(f"  {kind:<20}{count:>10}")
    if log.dropped:
        click.echo(f"{log.dropped} times have more than six decimals: they were truncated to microseconds.")
    events = log.events()
    if to is not None:
        click.echo(f"{write_events(to, _progress(events, 'events written', tally.events))} events written to {to}")
    elif dry_run:
        click.echo("Dry run: nothing was sent.")
    else:
        _tell_dates(settings, calendar, span)
        _send_log(settings, mapping, events, tally, span)


def _tell_dates(settings: Settings, calendar: BusinessCalendar, span: Range) -> None:
    """Print which dates can become official: a log of 2011 must not lead to snapshots up to today by accident."""
    over = last_date_over(calendar, business_clock(opened(settings.control_url())))
    official = max(0, (over - span.first).days + 1)
    click.echo(f"By the present business clock, {official} dates, {span.first} to {over}, can become official.")
    if over != span.last:
        end = span.as_of.astimezone(UTC).isoformat()
        click.echo(f"To end where the log ends: casegold clock fix {end} --reason 'end of the log'")


def _send_log(settings: Settings, mapping: Mapping, events: Iterable[CaseEvent], tally: Tally, span: Range) -> None:
    with RecordSender(settings.kafka_config()) as sender:
        for event in _progress(events, f"events of {mapping.name} sent", tally.events):
            send_event(sender, settings.events_topic, event, Encoding.PLAIN, settings.plain_source)
        if sender.sent != tally.events:
            raise ConfigurationError("the log changed while it was read", remedy="import it again, unchanged")
        totals = send_totals(sender, settings.totals_topic, tally, span)
    click.echo(f"{tally.events} events to {settings.events_topic}, {totals} control totals to {settings.totals_topic}")


@click.command()
@click.argument("file", type=_FILE)
def send(file: Path) -> None:
    """Send the events of a JSON lines file. Sends no control totals: these must come from the source itself.

    The whole file is checked before the first event is sent.

    \b
    Examples:
      casegold send events.jsonl
    """
    settings = load_settings()
    checked = _check_file(settings, file)
    with RecordSender(settings.kafka_config()) as sender:
        for event in _progress(read_events(file), "events sent"):
            send_event(sender, settings.events_topic, event, Encoding.STRUCTURED, settings.plain_source)
        if sender.sent != checked:
            raise ConfigurationError(f"{file} changed while it was read", remedy="send it again, unchanged")
    click.echo(f"{sender.sent} events to {settings.events_topic}")


def _check_file(settings: Settings, file: Path) -> int:
    """Count the file's events, and refuse a source that no contract declares."""
    sources: set[str] = set()
    line = 0
    for line, event in enumerate(_progress(read_events(file), "events checked"), start=1):
        if event.source not in sources:
            refuse_undeclared(settings, event.source, f"{file}, line {line}")
            sources.add(event.source)
    return line


commands = (simulate, import_log, send)
