"""`python -m benchmarks.late_event`: the cost of one late event, and of a republish, compared with the whole history.

In one process, in this order: publish a history; send one event that is three dates late; plan a backfill of all dates;
republish the first version, which replaces every partition in one commit.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import click

from benchmarks.servers import command, own_servers
from casegold.cli.tables import show
from casegold.control.changes.backfill_plan import Wanted
from casegold.control.model import Mode, PartitionRange
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, CaseEscalated, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.operations import backfills
from casegold.operations.republish import republish
from casegold.runtime.platform import open_platform
from casegold.scheduling.worker import run_until_idle
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate

SNAPSHOT = "gold/case_daily_snapshot"
LAST = date(2024, 12, 31)
DAYS_LATE = 3
QUESTION = """
    with files as (
        select version, file_path, record_count, exists (
            select from version_file earlier where earlier.file_path = f.file_path and earlier.version < f.version
        ) as kept
        from version_file f where dataset = %(dataset)s
    )
    select version, count(distinct p.partition_key)::int as dates, max(p.rows)::bigint as rows,
           max(extract(epoch from a.ended_at - a.started_at))::float as seconds,
           (select count(*) from files where files.version = v.version and kept)::int as files_kept,
           (select count(*) from files where files.version = v.version and not kept)::int as files_written,
           (select coalesce(sum(record_count), 0) from files where files.version = v.version and not kept)::bigint
               as rows_written
    from dataset_version v
    join run_attempt a using (run_id, attempt)
    join lateral (select partition_key, sum(row_count) over () as rows
                  from version_partition where dataset = v.dataset and version = v.version) p on true
    where v.dataset = %(dataset)s
    group by version, v.version order by version
"""


@click.command()
@click.option("--cases", default=20_000, show_default=True, help="Simulated cases.")
@click.option("--days", default=120, show_default=True, help="Dates to publish.")
def main(cases: int, days: int) -> None:
    """Publish a history, restate it for one late event, then republish the first version."""
    first = LAST - timedelta(days=days - 1)
    clock = BusinessCalendar("UTC").end_of(LAST).isoformat()
    with own_servers(FIRST_DATE=first.isoformat(), BUSINESS_CLOCK=clock) as settings:
        command("simulate", "--cases", str(cases), "--days", str(days), "--seed", "1", "--until", LAST.isoformat())
        plan = Plan(cases, days, 1, LAST, BusinessCalendar("UTC"))
        platform = open_platform(settings)
        run_until_idle(platform)
        with RecordSender(settings.kafka_config()) as sender:
            send_event(sender, settings.events_topic, late_event(plan), Encoding.BINARY, DEFAULT_SOURCE)
        run_until_idle(platform)
        begun = time.monotonic()
        backfills.plan_of(platform, Wanted(SNAPSHOT, PartitionRange(first, LAST), Mode.BACKFILL))
        planned = time.monotonic() - begun
        republish(platform, SNAPSHOT, 1, (), "benchmark")
        rows = platform.control.rows(QUESTION, {"dataset": SNAPSHOT})
    columns = ("version#", "dates#", "rows#", "seconds#", "files_kept#", "files_written#", "rows_written#")
    click.echo(f"a backfill of all dates was planned in {planned:.2f} s")
    show(f"{cases:,} cases, {days} dates", columns, ([row[c.rstrip("#")] for c in columns] for row in rows), empty="")


def late_event(plan: Plan) -> CaseEvent:
    """An escalation of an existing case, dated DAYS_LATE days back and sent now."""
    first = next(sent.event for sent in simulate(plan) if sent.event is not None)
    day = LAST - timedelta(days=DAYS_LATE)
    data = CaseEscalated(level=9, reason="late")
    return CaseEvent(
        source=DEFAULT_SOURCE,
        id="late",
        type=EventType.CASE_ESCALATED,
        case_id=first.case_id,
        occurred_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        emitted_at=datetime.now(UTC),
        data=data,
        data_json=payload_json(data),
    )


if __name__ == "__main__":
    main()
