"""Standing questions: exact counts, capped samples, and red for exactly what needs a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from casegold.control.db import ControlDb
from casegold.control.integrity import standing_checks
from casegold.domain.calendar import BusinessCalendar
from casegold.operations.standing_checks import Place, TopicLook, caught_up, epochs
from casegold.runtime.contracts import load_contracts
from casegold.runtime.shipped import DATASET_CONTRACTS
from platform_assets.standing import check_result
from tests.control.register import SNAPSHOT, Register

DAY = date(2026, 3, 1)
AMSTERDAM = BusinessCalendar("Europe/Amsterdam")


def place(position: int, end: int, seconds_ago: float | None) -> Place:
    return Place("silver/case_events", "events", 0, position, end, seconds_ago)


@pytest.mark.parametrize("question", standing_checks.STATEMENTS, ids=lambda question: question.name)
def test_an_untouched_register_has_nothing_open(control: ControlDb, question: standing_checks.Question) -> None:
    answer = standing_checks.ask(control, question)
    assert (answer.count, answer.sample) == (0, ())
    assert check_result(answer).passed


def test_open_holds_are_counted_exactly_and_sampled(control: ControlDb) -> None:
    with control.write("by a test") as connection:
        register = Register(connection)
        for offset in range(standing_checks.MAX_SAMPLE + 5):
            day = DAY + timedelta(days=offset)
            register.hold(SNAPSHOT, day, day, kind="PINNED")
    answer = standing_checks.ask(control, standing_checks.OPEN_HOLDS)
    assert answer.count == standing_checks.MAX_SAMPLE + 5
    assert len(answer.sample) == standing_checks.MAX_SAMPLE
    result = check_result(answer)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert "casegold holds" in str(result.description)


def test_a_published_dataset_that_no_contract_describes_is_red(control: ControlDb) -> None:
    contracts = load_contracts(DATASET_CONTRACTS)
    assert standing_checks.undescribed(control, contracts).count == 0
    with control.write("by a test") as connection:
        register = Register(connection)
        register.close_range(DAY, DAY)
        register.publish(SNAPSHOT, DAY)
        register.publish("reports/of_somebody", DAY)
    answer = standing_checks.undescribed(control, contracts)
    assert answer.sample == ({"dataset": "reports/of_somebody", "partitions": 1, "last": DAY},)
    assert not check_result(answer).passed


def test_dates_are_overdue_after_the_latency_and_from_the_latest_close_on(control: ControlDb) -> None:
    with control.write("by a test") as connection:
        register = Register(connection)
        register.totals(DAY, 0)
    ends = AMSTERDAM.end_of(DAY)

    def overdue(now: datetime) -> int:
        return standing_checks.overdue_closes(control, AMSTERDAM, now, timedelta(hours=24)).count

    assert overdue(ends + timedelta(hours=23)) == 0
    assert overdue(ends + timedelta(hours=24)) == 1
    assert overdue(ends + timedelta(days=10)) == 10
    with control.write("by a test") as connection:
        connection.execute(
            "insert into day_close (business_date, barrier, signals, close_seq, totals_seq)"
            " values (%s, '[]', '[]', 0, 0)",
            (DAY + timedelta(days=3),),
        )
    assert overdue(ends + timedelta(days=10)) == 6


def test_nothing_is_overdue_in_a_register_without_totals(control: ControlDb) -> None:
    answer = standing_checks.overdue_closes(control, AMSTERDAM, datetime(2026, 3, 1, tzinfo=UTC), timedelta(0))
    assert answer.count == 0


@pytest.mark.parametrize(
    ("places", "count", "severity"),
    [
        ([place(10, 10, None)], 0, None),
        ([place(4, 10, 5.0)], 6, dg.AssetCheckSeverity.WARN),
        ([place(4, 10, 5.0), place(0, 1, 700.0)], 7, dg.AssetCheckSeverity.ERROR),
        ([place(0, 1, None)], 1, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_a_backlog_alarms_only_where_it_does_not_move(
    places: list[Place], count: int, severity: dg.AssetCheckSeverity | None
) -> None:
    result = check_result(caught_up([TopicLook("silver/case_events", "events", tuple(places))]))
    assert result.metadata["count"] == dg.MetadataValue.int(count)
    assert result.passed is (severity is None)
    if severity is not None:
        assert result.severity is severity


def test_a_foreign_topic_is_named() -> None:
    answer = epochs([TopicLook("d", "good", ()), TopicLook("d", "bad", (), "topic id 2, read so far was 1")])
    assert answer.count == 1
    assert answer.sample[0]["topic"] == "bad"
