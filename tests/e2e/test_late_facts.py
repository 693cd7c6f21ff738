"""What arrives after a date was closed: within the grace window it restates, beyond it waits for a person."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import (
    DEFAULT_SOURCE,
    CaseCorrected,
    CaseEvent,
    CorrectionAction,
    EventType,
    EvidenceReceived,
    Payload,
    Replacement,
    ReplacementData,
)
from casegold.domain.payload import payload_json
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 10), date(2024, 2, 29)
PLAN = Plan(60, 20, 3, LAST, CALENDAR)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def simulated() -> list[CaseEvent]:
    return [sent.event for sent in simulate(PLAN) if sent.event is not None]


@pytest.fixture
def installation(settings: Settings) -> Installation:
    """Twenty official dates and the report of their month."""
    command(
        "simulate", "--cases", 60, "--days", 20, "--seed", 3, "--until", LAST, "--duplicates", 0, "--out-of-order", 0
    )
    found = Installation(settings)
    found.work()
    assert found.version_numbers(SNAPSHOT) == found.version_numbers(REPORT) == [1]
    return found


def event(name: str, kind: EventType, case_id: str, day: date, data: Payload) -> CaseEvent:
    """An event at noon of a date, sent just now."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return CaseEvent(
        source=DEFAULT_SOURCE,
        id=name,
        type=kind,
        case_id=case_id,
        occurred_at=at,
        emitted_at=datetime.now(UTC),
        data=data,
        data_json=payload_json(data),
    )


def send(settings: Settings, *events: CaseEvent) -> None:
    with RecordSender(settings.kafka_config()) as sender:
        for each in events:
            send_event(sender, settings.events_topic, each, Encoding.BINARY, DEFAULT_SOURCE)


def expected(events: Iterable[CaseEvent], first: date = FIRST) -> list[dict[str, object]]:
    return snapshots(facts_of(events), {day: CALENDAR.end_of(day) for day in days(first, LAST)})


def evidence(name: str, case_id: str, day: date) -> CaseEvent:
    return event(name, EventType.EVIDENCE_RECEIVED, case_id, day, EvidenceReceived(evidence_id=name, kind="letter"))


def partitions_of(installation: Installation, version: int) -> list[date]:
    rows = installation.platform.control.rows(
        "select partition_key from version_partition where dataset = %(dataset)s and version = %(version)s order by 1",
        {"dataset": SNAPSHOT, "version": version},
    )
    return [row["partition_key"] for row in rows]


def test_a_late_fact_within_grace_restates_all_its_days_together(
    settings: Settings, installation: Installation, simulated: list[CaseEvent]
) -> None:
    since = LAST - timedelta(days=3)
    late = evidence("late-letter", simulated[0].case_id, since)
    send(settings, late)
    executed = installation.work()
    assert [execution.attempt.dataset for execution in executed][-2:] == [SNAPSHOT, REPORT]
    assert installation.version_numbers(SNAPSHOT) == [1, 2]
    assert installation.version_numbers(REPORT) == [1], "no figure of the month counts letters: judged again, unchanged"
    assert "every complete period is published and up to date" in command("plan")
    assert partitions_of(installation, 2) == list(days(since, LAST))
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, late])
    assert installation.rows(SNAPSHOT, FIRST, LAST, version=1) == expected(simulated), "what was official then"
    told = command("impact", "--event", "late-letter", "--plan")
    assert f"casegold backfill request {SNAPSHOT} {since} {LAST}" in told
    assert f"Plan of a BACKFILL of {SNAPSHOT}" in told
    with pytest.raises(ConfigurationError, match="silver has no event nothing"):
        command("impact", "--event", "nothing")
    shown = csv.DictReader(command("show", SNAPSHOT, "--partition", LAST, "--format", "csv").splitlines())
    assert [row["case_id"] for row in shown] == [row["case_id"] for row in installation.rows(SNAPSHOT, LAST, LAST)]


def test_a_fact_beyond_grace_changes_no_figure_and_is_seen(
    settings: Settings, installation: Installation, simulated: list[CaseEvent]
) -> None:
    send(settings, evidence("very-late-letter", simulated[0].case_id, LAST - timedelta(days=12)))
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1]
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    control = installation.platform.control
    (held,) = control.rows("select event_id, state from fact_admission")
    assert held == {"event_id": "very-late-letter", "state": "HELD"}
    (request,) = control.rows("select dataset, state from backfill_request")
    assert request == {"dataset": SNAPSHOT, "state": "REQUESTED"}
    (announced,) = control.rows("select count(*) as events from outbox where type = 'BackfillRequested'")
    assert announced["events"] == 1
    installation.work()
    assert len(control.rows("select 1 from backfill_request")) == 1, "asked once, however often it is looked at"


def test_a_correction_moves_an_event_to_another_day(
    settings: Settings, installation: Installation, simulated: list[CaseEvent]
) -> None:
    recent = CALENDAR.end_of(LAST - timedelta(days=4))
    target = next(e for e in simulated if e.type is EventType.EVIDENCE_RECEIVED and e.occurred_at > recent)
    moved_to = LAST - timedelta(days=6)
    replacement = Replacement(
        occurred_at=datetime(moved_to.year, moved_to.month, moved_to.day, 9, tzinfo=UTC),
        data=ReplacementData(evidence_id="scan", kind="photo"),
    )
    data = CaseCorrected(
        corrected_event_id=target.id, action=CorrectionAction.REPLACE, reason="wrong day", replacement=replacement
    )
    correction = event("correction", EventType.CASE_CORRECTED, target.case_id, LAST, data)
    send(settings, correction)
    installation.work()
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, correction])
    assert partitions_of(installation, 2)[0] == moved_to


def test_a_case_that_vanishes_closes_the_gate_unless_its_opening_was_corrected(
    settings: Settings, installation: Installation, simulated: list[CaseEvent]
) -> None:
    opening = next(
        e
        for e in simulated
        if e.type is EventType.CASE_OPENED and e.occurred_at > CALENDAR.end_of(LAST - timedelta(days=4))
    )
    data = CaseCorrected(corrected_event_id=opening.id, action=CorrectionAction.RETRACT, reason="opened by mistake")
    retraction = event("retraction", EventType.CASE_CORRECTED, opening.case_id, LAST, data)
    send(settings, retraction)
    executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, retraction])
    assert opening.case_id not in {row["case_id"] for row in installation.rows(SNAPSHOT, LAST, LAST)}
