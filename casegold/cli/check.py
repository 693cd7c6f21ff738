"""`casegold check-events`: which of a producer's records ingest would reject. Sends and writes nothing."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casegold.cli.output import JSON, Output, listed
from casegold.cli.tables import show as show_table
from casegold.domain.errors import ExitClass
from casegold.runtime.settings import Settings, load_settings

if TYPE_CHECKING:
    from casegold.domain.events import RejectReason
    from casegold.operations.event_check import Finding
    from casegold.source.codec import KafkaRecord

MOST = 100_000
COLUMNS = ("place", "event", "reason", "field", "detail")


@click.command("check-events")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--topic", help="Check the newest records of this topic, which may be a dead-letter topic.")
@click.option(
    "--last", type=click.IntRange(1, MOST), default=100, show_default=True, help="Number of records to read from it."
)
@click.option("--totals", is_flag=True, help="The records are control totals. Not needed with a topic of totals.")
@listed(limit=50, columns=False)
def check_events(file: Path | None, topic: str | None, last: int, totals: bool, out: Output) -> None:
    """Show which records of a FILE or topic ingest would reject, and why; exit 40 if there are any.

    FILE has one JSON object per line: a structured CloudEvent, or an event in the plain encoding. The check sends and
    writes nothing; for a FILE, no server has to run.

    \b
    Examples:
      casegold check-events my-events.jsonl
      casegold check-events my-events.jsonl --format json > findings.json
      casegold check-events --topic regulatory.case.events.dlq.v1 --last 1000
    """
    from casegold.operations.event_check import EventJudge, TotalJudge, Verdict, check  # noqa: PLC0415 - loads DuckDB

    if (file is None) == (topic is None):
        raise click.UsageError("give a FILE or --topic")
    settings = load_settings()
    totals = totals or topic in {settings.totals_topic, settings.totals_dlq_topic}
    judge = TotalJudge(settings) if totals else EventJudge(settings)
    records = _of_file(file) if file is not None else _of_topic(settings, str(topic), last)
    counts: Counter[str] = Counter()
    reasons: Counter[RejectReason] = Counter()
    shown: list[Finding] = []

    def counted() -> Iterator[dict[str, Any]]:
        for found in check(judge, records):
            counts[found.verdict] += 1
            if found.reason is not None:
                reasons[found.reason] += 1
                if out.limit is None or len(shown) < out.limit:
                    shown.append(found)
            yield asdict(found)

    if out.form == JSON:
        out.stream(counted())
        _tell_counts(counts, out)
    else:
        deque(counted(), maxlen=0)
        _tell(counts, reasons, shown, out)
    if counts[Verdict.REJECTED]:
        raise SystemExit(int(ExitClass.CONFIGURATION))


def _of_file(file: Path) -> Iterator[tuple[str, KafkaRecord]]:
    from casegold.source.codec import KafkaRecord  # noqa: PLC0415 - needed by this command only
    from casegold.source.jsonl import read_lines  # noqa: PLC0415

    for number, line in read_lines(file):
        yield f"line {number}", KafkaRecord(str(file), 0, number, datetime.now(UTC), None, line)


def _of_topic(settings: Settings, topic: str, last: int) -> Iterator[tuple[str, KafkaRecord]]:
    """The newest records by Kafka's timestamp, in the order of the log."""
    from casegold.source.kafka import OffsetRange, describe_topic, read_chunks  # noqa: PLC0415 - loads Kafka

    config = settings.kafka_config()
    state = describe_topic(config, topic)
    ranges = tuple(
        OffsetRange(partition, max(state.starts[partition], end - last), end, state.starts[partition])
        for partition, end in state.ends.items()
    )
    records = [record for chunk in read_chunks(config, topic, ranges, MOST) for record in chunk.records]
    newest = sorted(records, key=lambda each: (each.timestamp, each.partition, each.offset))[-last:]
    for record in sorted(newest, key=lambda each: (each.partition, each.offset)):
        yield f"{record.partition}:{record.offset}", record


def _tell(counts: Counter[str], reasons: Counter[RejectReason], shown: list[Finding], out: Output) -> None:
    from casegold.source.remedies import REMEDIES  # noqa: PLC0415 - needed by this command only

    rejected = counts["REJECTED"]
    rows = ((each.place, each.event_id or each.event_type, each.reason, each.field, each.detail) for each in shown)
    if shown:
        show_table("Ingest would reject", COLUMNS, rows, empty="")
        if len(shown) < rejected:
            click.echo(f"... and {rejected - len(shown)} more: use --limit, or --format json")
        click.echo()
        for reason, count in reasons.most_common():
            click.echo(f"{reason}: {count}\n  -> {REMEDIES[reason]}")
        click.echo()
    _tell_counts(counts, out)


def _tell_counts(counts: Counter[str], out: Output) -> None:
    accepted, again, rejected = counts["ACCEPTED"], counts["DUPLICATE"], counts["REJECTED"]
    out.say(f"{counts.total()} records: {accepted} accepted, {again} duplicates, {rejected} rejected")


commands = (check_events,)
