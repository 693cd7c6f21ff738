"""No figure becomes official without a fact that its source counted; nobody's facts count; every way out is walked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casegold.control.integrity import standing_checks
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, EVENT_TYPES
from casegold.runtime.settings import Settings
from casegold.source.producer import RecordSender
from casegold.source.totals import ControlTotal
from tests.e2e.installation import SNAPSHOT, Installation, command

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, SECOND = date(2024, 3, 1), date(2024, 3, 2)
COUNTED_AT = CALENDAR.end_of(SECOND)
NOBODY = "urn:nobody:knows"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = COUNTED_AT.isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return Installation(settings)


def opened(number: int, *, priority: str = "LOW", day: date = FIRST, source: str = DEFAULT_SOURCE) -> dict[str, Any]:
    """A case opened at noon, as a structured CloudEvent. The schema knows the priority LOW; `low` it does not."""
    at = f"{day}T11:00:00Z"
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "type": "CaseOpened",
        "source": source,
        "subject": f"c{number}",
        "time": at,
        "emittedat": at,
        "dataschema": "urn:casegold:event:CaseOpened:1.0",
        "data": {"caseType": "FRAUD", "jurisdiction": "NL", "priority": priority},
    }


def send(settings: Settings, events: Iterable[dict[str, Any]]) -> None:
    with RecordSender(settings.kafka_config()) as sender:
        for event in events:
            sender.send(
                settings.events_topic,
                event["subject"].encode(),
                json.dumps(event).encode(),
                (("content-type", b"application/cloudevents+json"),),
            )


def count(
    settings: Settings,
    numbers: Mapping[date, int],
    *,
    revision: int = 1,
    as_of: datetime = COUNTED_AT,
    kinds: Iterable[str] = EVENT_TYPES,
) -> None:
    """A total of each type: so many openings, nothing else."""
    with RecordSender(settings.kafka_config()) as sender:
        for day, number in numbers.items():
            for kind in kinds:
                told = ControlTotal(DEFAULT_SOURCE, day, kind, number if kind == "CaseOpened" else 0, as_of, revision)
                sender.send(settings.totals_topic, told.key(), told.value())


def cases(installation: Installation, day: date) -> int:
    return len(installation.rows(SNAPSHOT, day, day))


def found(installation: Installation, check: str, day: date) -> tuple[str, int]:
    """Status and failures of the latest judgement."""
    rows = installation.platform.control.rows(
        "select status, failures from quality_result where check_name = %(check)s and partition_key = %(day)s"
        " order by evaluated_at desc limit 1",
        {"check": check, "day": day},
    )
    return rows[0]["status"], rows[0]["failures"]


def holds(installation: Installation) -> int:
    return standing_checks.ask(installation.platform.control, standing_checks.OPEN_HOLDS).count


def test_rejected_facts_close_their_date_until_they_come_corrected(
    settings: Settings, installation: Installation
) -> None:
    send(settings, [opened(n, priority="low") for n in range(100)])
    send(settings, [opened(n) for n in range(100, 103)])
    send(settings, [opened(n, source=NOBODY, day=SECOND) for n in range(200, 250)])
    count(settings, {FIRST: 103, SECOND: 0})
    installation.work()
    assert installation.published(SNAPSHOT) == [], "3 of 103 facts are no official figure"
    assert found(installation, "no_rejected_facts", FIRST) == ("FAILED", 100)
    assert found(installation, "completeness", FIRST) == ("FAILED", 1)
    assert found(installation, "no_rejected_facts", SECOND) == ("PASSED", 0), "nobody's records hold nothing up"
    shown = command("holds")
    assert "no_rejected_facts FAILED: expected no rejected record, found 100 rejected records: INVALID" in shown
    send(settings, [opened(n) for n in range(100)])
    installation.work()
    assert (cases(installation, FIRST), cases(installation, SECOND)) == (103, 103), "no case from nobody"
    assert found(installation, "no_rejected_facts", FIRST) == ("PASSED", 0)
    assert holds(installation) == 0


def test_a_count_corrected_downwards_after_publication_holds_the_date_and_keeps_the_version(
    settings: Settings, installation: Installation
) -> None:
    send(settings, [opened(1), opened(2)])
    count(settings, {FIRST: 2, SECOND: 0})
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1]
    count(settings, {FIRST: 1}, revision=2)
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1], "what was official stays readable"
    assert found(installation, "completeness", FIRST) == ("FAILED", 1)
    assert holds(installation) > 0, "and somebody is told"
    count(settings, {FIRST: 2}, revision=3)
    installation.work()
    assert holds(installation) == 0
    assert installation.version_numbers(SNAPSHOT) == [1], "the figures were right: no new version"


def test_a_count_of_a_date_that_is_not_over_is_rejected(settings: Settings, installation: Installation) -> None:
    send(settings, [opened(1)])
    noon = datetime(2024, 3, 2, 12, tzinfo=UTC)
    count(settings, {FIRST: 1})
    count(settings, {SECOND: 0}, as_of=noon)
    count(settings, {date(2024, 3, 9): 0}, as_of=noon)
    installation.work()
    assert installation.published(SNAPSHOT) == [FIRST], "zeros sent ahead close no date"
    assert f"control totals of {DEFAULT_SOURCE}" in command("days", "status")
    letters = installation.platform.lake.table("bronze/rejected_totals").scan().to_arrow().to_pylist()
    assert {row["reason"] for row in letters} == {"DATE_NOT_OVER"}
    assert len(letters) == 2 * len(EVENT_TYPES)
    count(settings, {SECOND: 0})
    installation.work()
    assert installation.published(SNAPSHOT) == [FIRST, SECOND]


def test_a_date_waits_for_the_total_of_every_type_and_closed_by_hand_it_is_not_official(
    settings: Settings, installation: Installation
) -> None:
    send(settings, [opened(1)])
    count(settings, {FIRST: 1, SECOND: 0}, kinds=[kind for kind in EVENT_TYPES if kind != "CaseCorrected"])
    installation.work()
    assert installation.published(SNAPSHOT) == []
    assert f"control totals of {DEFAULT_SOURCE} for CaseCorrected" in " ".join(command("days", "status").split())
    command("days", "close", FIRST, "--reason", "the source cannot count corrections today")
    installation.work()
    assert installation.published(SNAPSHOT) == []
    assert found(installation, "completeness", FIRST) == ("MISSING", 1)
    count(settings, {FIRST: 0, SECOND: 0}, kinds=["CaseCorrected"])
    installation.work()
    assert installation.published(SNAPSHOT) == [FIRST, SECOND]


def test_a_record_of_an_official_date_that_is_rejected_is_red_until_it_comes_corrected(
    settings: Settings, installation: Installation
) -> None:
    send(settings, [opened(1)])
    count(settings, {FIRST: 1, SECOND: 0})
    installation.work()
    control = installation.platform.control
    assert standing_checks.ask(control, standing_checks.REJECTED_FACTS).count == 0
    late = opened(2, priority="low") | {"emittedat": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    send(settings, [late, opened(3, priority="low", source=NOBODY)])
    installation.work()
    answer = standing_checks.ask(control, standing_checks.REJECTED_FACTS)
    assert (answer.count, [row["effective_date"] for row in answer.sample]) == (1, [FIRST])
    send(settings, [late | {"data": opened(2)["data"]}])
    installation.work()
    assert cases(installation, FIRST) == 2
    assert standing_checks.ask(control, standing_checks.REJECTED_FACTS).count == 0
