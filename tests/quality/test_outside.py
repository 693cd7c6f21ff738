"""Rejected records and open conflicts against the dates they belong to, or may belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from casegold.domain.contract import DatasetContract, Tolerance
from casegold.quality.outside import CONFLICTS, REJECTED
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import Waiver
from tests.quality.gathered import (
    AS_OF,
    CLOSE_SEQ,
    CONTRACT,
    COUNTED,
    FIRST_SEQ,
    SILENT,
    STRANGER,
    VOLUNTEER,
    Gathered,
    closing,
    conflict,
    fact,
    judge,
    midnight,
    rejection,
    result,
    totals,
    unplaced,
)
from tests.quality.rows import DAY

NEXT = DAY + timedelta(days=1)
FAILED, PASSED, TOLERATED = CheckStatus.FAILED, CheckStatus.PASSED, CheckStatus.TOLERATED


def rejected(*rows: dict[str, Any], **given: Any) -> CheckResult:
    return result(REJECTED, Gathered(rejected=rows, **({"totals": totals(0)} | given)))


def tolerating(check: str, **limit: Any) -> DatasetContract:
    tolerance = Tolerance(**({"facts": None, "percent": None, "reason": "agreed with the board"} | limit))
    checks = tuple(replace(c, tolerance=tolerance) if c.name == check else c for c in CONTRACT.checks)
    return replace(CONTRACT, checks=checks)


def test_a_rejected_record_closes_its_date_and_says_where_it_lies() -> None:
    found = rejected(rejection("a"), rejection("b", kafka_offset=8))
    assert (found.status, found.failures, found.required) == (FAILED, 2, True)
    assert found.actual == "2 rejected records: INVALID"
    assert found.sample[0] == {
        "reason": "INVALID",
        "source": COUNTED,
        "event_id": "a",
        "event_type": "CaseOpened",
        "kafka_partition": "0",
        "kafka_offset": "7",
        "detail": "priority: 'low' is not one of NORMAL, HIGH",
    }
    assert "higher revision" in found.detail


def test_nothing_rejected_passes() -> None:
    assert rejected().status is PASSED


def test_the_sample_is_capped_and_the_count_is_not() -> None:
    found = rejected(*(rejection(f"e{n}", kafka_offset=n) for n in range(25)))
    assert (found.failures, len(found.sample)) == (25, 10)
    assert [row["kafka_offset"] for row in found.sample] == [str(n) for n in range(10)]


def test_the_same_event_rejected_again_is_one_and_records_without_an_id_are_each_their_own() -> None:
    assert rejected(rejection("a"), rejection("a", kafka_offset=8)).failures == 1
    assert rejected(rejection(None), rejection(None, kafka_offset=8)).failures == 2


def test_an_event_accepted_since_is_in_the_figures_under_whatever_date() -> None:
    assert rejected(rejection("a"), facts=[fact("a")], totals=totals(1)).status is PASSED
    assert rejected(rejection("a"), accepted_elsewhere=[fact("a", effective_date=NEXT)]).status is PASSED
    of_another = fact("a", source=SILENT)
    assert rejected(rejection("a"), facts=[of_another]).status is FAILED


def test_a_source_that_nobody_declared_closes_nothing() -> None:
    assert rejected(rejection("a", source=STRANGER, reason="UNKNOWN_SOURCE")).status is PASSED
    assert rejected(unplaced(source=STRANGER), totals=[]).status is PASSED


@pytest.mark.parametrize("field", ["emitted_at", "kafka_timestamp"])
@pytest.mark.parametrize(("hours", "status"), [(1, PASSED), (2, FAILED)])
def test_a_recount_answers_for_what_was_sent_until_then(field: str, hours: int, status: CheckStatus) -> None:
    """Without a readable sending time, that of Kafka tells."""
    recounted = totals(0, revision=2, as_of=AS_OF + timedelta(hours=1))
    record = rejection("a", **({"emitted_at": None} | {field: AS_OF + timedelta(hours=hours)}))
    assert rejected(record, totals=[*totals(0), *recounted]).status is status


def test_a_first_count_answers_for_nothing_rejected_whatever_its_revision() -> None:
    assert rejected(rejection("a"), totals=totals(0, revision=5)).status is FAILED


def test_a_recount_of_another_type_answers_nothing() -> None:
    other = [total for total in totals(0, revision=2) if total["event_type"] == "CaseClosed"]
    assert rejected(rejection("a"), totals=[*totals(0), *other]).status is FAILED


def test_a_record_without_a_date_closes_where_a_source_sends_no_totals() -> None:
    assert rejected(unplaced(source=SILENT)).status is FAILED
    shown = rejected(unplaced(source=COUNTED))
    assert (shown.status, shown.failures) == (PASSED, 0)
    assert shown.detail.startswith("1 records without a readable date")
    assert rejected(unplaced(source=COUNTED), totals=totals(0)[:1]).status is FAILED, "one type was not counted"


def test_a_record_without_a_source_closes_unless_every_source_counted() -> None:
    assert rejected(unplaced()).status is FAILED
    all_counted = [row for source in (COUNTED, SILENT, VOLUNTEER) for row in totals(0, source=source)]
    assert rejected(unplaced(), totals=all_counted).status is PASSED


@pytest.mark.parametrize(
    ("seq", "timestamp", "closed"),
    [
        (FIRST_SEQ + 1, midnight(DAY), {DAY}),
        (CLOSE_SEQ, midnight(DAY), {DAY}),
        (CLOSE_SEQ, midnight(NEXT), {DAY, NEXT}),
        (CLOSE_SEQ + 1, midnight(DAY), {NEXT}),
        (FIRST_SEQ, midnight(DAY) - timedelta(seconds=1), set()),
        (FIRST_SEQ, midnight(DAY), {DAY}),
        (300, midnight(NEXT), {NEXT}),
        (301, midnight(NEXT), set()),
    ],
)
def test_it_is_held_against_the_dates_that_were_open_when_it_came(seq: int, timestamp: Any, closed: set[date]) -> None:
    record = unplaced(source=SILENT, ingest_seq=seq, kafka_timestamp=timestamp)
    results = judge(Gathered(rejected=[record], judged=[closing(DAY), closing(NEXT, 300, CLOSE_SEQ)]))
    assert {r.partition for r in results if r.check == REJECTED and r.status is FAILED} == closed


def test_a_conflict_closes_the_date_of_either_content() -> None:
    two_dates = conflict("a", effective_date=DAY, recorded_date=NEXT)
    judged = [closing(DAY), closing(NEXT, 300, CLOSE_SEQ)]
    results = judge(Gathered(open_conflicts=[two_dates], judged=judged))
    assert {r.partition: r.failures for r in results if r.check == CONFLICTS} == {DAY: 1, NEXT: 1}
    found = result(CONFLICTS, Gathered(open_conflicts=[conflict("a")]))
    assert (found.status, found.required) == (FAILED, True)
    assert "CaseCorrected" in found.detail
    assert result(CONFLICTS, Gathered()).status is PASSED


def test_a_conflict_among_the_rejected_records_has_its_own_check() -> None:
    assert rejected(rejection("a", reason="CONFLICT")).status is PASSED


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ({"facts": 1}, FAILED),
        ({"facts": 2}, TOLERATED),
        ({"percent": Decimal("33.3")}, FAILED),
        ({"percent": Decimal("33.4")}, TOLERATED),
    ],
)
@pytest.mark.parametrize("check", [REJECTED, CONFLICTS])
def test_a_tolerance_lets_that_many_pass_and_says_so(check: str, limit: dict[str, Any], status: CheckStatus) -> None:
    facts = [fact(f"f{n}") for n in range(4)]
    rows: dict[str, Any] = {
        REJECTED: {"rejected": [rejection("a"), rejection("b")]},
        CONFLICTS: {"open_conflicts": [conflict("a"), conflict("b")]},
    }[check]
    found = result(check, Gathered(facts=facts, totals=totals(6), **rows), tolerating(check, **limit))
    assert (found.status, found.failures) == (status, 2)
    assert "agreed with the board" in found.detail


def test_what_is_tolerated_or_waived_may_be_missing_from_the_count_and_nothing_more() -> None:
    contract = tolerating(REJECTED, facts=2)
    two = [rejection("a"), rejection("b")]
    waiver = Waiver(REJECTED, DAY, DAY)
    for count, status in ((2, PASSED), (1, PASSED), (0, PASSED), (3, FAILED)):
        gathered = Gathered(rejected=two, totals=totals(count))
        assert result("completeness", gathered, contract).status is status
        assert result("completeness", gathered, waivers=[waiver]).status is status
    assert result("completeness", Gathered(rejected=two, totals=totals(2))).status is FAILED
    elsewhere = Waiver(REJECTED, NEXT, NEXT)
    assert result("completeness", Gathered(rejected=two, totals=totals(2)), waivers=[elsewhere]).status is FAILED


def test_a_reason_to_judge_again_is_a_change_of_what_closes() -> None:
    one = rejected(rejection("a"))
    assert one.reads == rejected(rejection("a"), unplaced(source=COUNTED)).reads
    assert one.reads != rejected(rejection("a"), rejection("b", kafka_offset=8)).reads
