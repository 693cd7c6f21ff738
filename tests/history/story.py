"""A month with two versions: as first published, and restated by a late fact that changes figures of its report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, CaseEscalated, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 20), date(2024, 2, 29)
SINCE = LAST - timedelta(days=2)
"""The date that the late fact changes first."""
MONTH = date(2024, 2, 1)
PLAN = Plan(30, 10, 3, LAST, CALENDAR)

OVERRIDES: Mapping[str, str] = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
}

Rows = list[dict[str, Any]]


def tell(settings: Settings) -> Installation:
    """Version 1 of every date, version 2 of the last three; two versions of the report."""
    shares = ("--duplicates", 0, "--out-of-order", 0)
    command("simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST, *shares)
    installation = Installation(settings)
    installation.work()
    send_late(settings, "late", SINCE)
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == installation.version_numbers(REPORT) == [1, 2]
    return installation


def send_late(settings: Settings, name: str, day: date, plan: Plan = PLAN) -> None:
    """An escalation of the plan's first case at noon of a date, sent just now."""
    opened = next(sent.event for sent in simulate(plan) if sent.event and sent.event.type is EventType.CASE_OPENED)
    data = CaseEscalated(level=9, reason=name)
    event = CaseEvent(
        source=DEFAULT_SOURCE,
        id=name,
        type=EventType.CASE_ESCALATED,
        case_id=opened.case_id,
        occurred_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        emitted_at=datetime.now(UTC),
        data=data,
        data_json=payload_json(data),
    )
    with RecordSender(settings.kafka_config()) as sender:
        send_event(sender, settings.events_topic, event, Encoding.BINARY, DEFAULT_SOURCE)


def snapshots(installation: Installation, version: int | None = None) -> Rows:
    return installation.rows(SNAPSHOT, FIRST, LAST, version)


def figures(installation: Installation, version: int | None = None) -> Rows:
    return installation.rows(REPORT, MONTH, MONTH, version)
