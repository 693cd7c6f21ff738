"""Consistency of snapshot rows: each rule fails what is wrong, and nothing that the semantics of a case allow."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from casegold.quality.completeness import COLUMNS
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import verdict
from products.case_daily_snapshot.checks import SnapshotSurroundings, check_snapshots
from tests.quality.rows import CALENDAR, DAY, SNAPSHOT, at, frame, nothing_outside, row

END = CALENDAR.end_of(DAY)
US = timedelta(microseconds=1)
EARLIER = DAY - timedelta(days=30)
DECIDED = {
    "status": "DECIDED",
    "decision": "FINED",
    "decision_at": at(hour=11),
    "last_event_at": at(hour=11),
    "last_event_type": "DecisionIssued",
    "event_count": 2,
}
CLOSED = {
    "status": "CLOSED",
    "closed_at": at(hour=11),
    "last_event_at": at(hour=11),
    "last_event_type": "CaseClosed",
    "event_count": 2,
}
RUNNING = {
    "clock_state": "RUNNING",
    "clock_allowed_seconds": 3600,
    "clock_consumed_seconds": 60,
    "clock_deadline_at": END + timedelta(hours=1),
    "last_event_at": at(hour=11),
    "last_event_type": "BreachClockStarted",
    "event_count": 2,
}


def around(**changes: Any) -> SnapshotSurroundings:
    values: dict[str, Any] = {
        "previous_cases": None,
        "corrected_openings": pl.Series([], dtype=pl.String),
        "openings": pl.DataFrame(schema={"case_id": pl.String, "opened_on": pl.Date}),
        "completeness": pl.DataFrame(schema=COLUMNS),
        "event_types": (),
        **nothing_outside([DAY]),
    }
    return SnapshotSurroundings(**(values | changes))


def judge(check: str, *rows: dict[str, Any]) -> CheckResult:
    results = check_snapshots(SNAPSHOT, frame(rows), [DAY], CALENDAR, around())
    return next(result for result in results if result.check == check)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("status_follows_from_state", {"status": "CLOSED"}),
        ("status_follows_from_state", CLOSED | {"status": "OPEN"}),
        ("status_follows_from_state", DECIDED | {"status": "OPEN"}),
        ("status_follows_from_state", {"escalation_level": 1}),
        ("status_follows_from_state", {"status": "ESCALATED"}),
        ("decision_has_its_time", {"decision": "FINED"}),
        ("decision_has_its_time", DECIDED | {"decision": None}),
        ("penalty_has_decision", {"penalty_amount": Decimal("1.00"), "currency": "EUR"}),
        ("penalty_has_currency", DECIDED | {"penalty_amount": Decimal("1.00")}),
        ("currency_has_decision", {"currency": "EUR"}),
        ("evidence_within_events", {"evidence_count": 1}),
        ("last_event_before_end", {"last_event_at": END}),
        ("opened_until_last_event", {"opened_at": at(hour=10)}),
        ("decided_until_last_event", DECIDED | {"decision_at": at(hour=12)}),
        ("closed_until_last_event", CLOSED | {"closed_at": at(hour=12)}),
        ("breached_iff_breached_at", RUNNING | {"breached": True}),
        ("breached_iff_breached_at", RUNNING | {"breached_at": at()}),
        ("breach_before_end", RUNNING | {"breached": True, "breached_at": END}),
        ("no_clock_no_count", {"clock_consumed_seconds": 1}),
        ("no_clock_no_count", {"clock_allowed_seconds": 1}),
        ("no_clock_no_count", {"breached": True, "breached_at": at()}),
        ("deadline_iff_running", RUNNING | {"clock_deadline_at": None}),
        ("deadline_iff_running", {"clock_deadline_at": END}),
        ("deadline_over_is_breach", RUNNING | {"clock_deadline_at": END - US}),
        ("closing_closes", CLOSED | {"closed_at": None, "status": "OPEN"}),
        ("decision_decides", DECIDED | {"decision_at": at(hour=10)}),
        ("decision_or_closing_stops_clock", RUNNING | DECIDED),
        ("start_runs_clock", RUNNING | {"clock_state": "STOPPED", "clock_deadline_at": None}),
        ("pause_stops_count", RUNNING | {"last_event_type": "BreachClockPaused"}),
        ("escalation_has_level", {"last_event_type": "CaseEscalated"}),
        ("evidence_is_counted", {"last_event_type": "EvidenceReceived"}),
    ],
)
def test_a_contradiction_fails_under_its_name(rule: str, changes: dict[str, Any]) -> None:
    result = judge("consistency", row(), row(case_id="C-2", **changes))
    assert (result.status, result.failures) == (CheckStatus.FAILED, 1)
    assert rule in result.sample[0]["rules"].split(", ")
    assert f"{rule}: 1" in result.detail
    assert result.sample[0]["case_id"] == "C-2"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        DECIDED,
        DECIDED | {"penalty_amount": Decimal("0.00"), "currency": "EUR"},
        DECIDED | {"currency": "EUR"},
        CLOSED,
        DECIDED | CLOSED | {"decision_at": at(hour=10), "status": "CLOSED", "event_count": 3},
        # Decided after the closing: it counts, the case stays closed.
        DECIDED | {"status": "CLOSED", "closed_at": at(hour=10)},
        # Closed and decided before the first opening, which came last.
        {
            "status": "CLOSED",
            "closed_at": at(EARLIER),
            "decision": "NONE",
            "decision_at": at(EARLIER),
            "event_count": 3,
        },
        {"status": "ESCALATED", "escalation_level": 3, "last_event_type": "CaseEscalated", "event_count": 2},
        RUNNING,
        RUNNING | {"clock_deadline_at": END},
        RUNNING | {"clock_deadline_at": END - US, "breached": True, "breached_at": END - US},
        # A shortened allowance, used up long ago: the breach is the instant of the event, after the deadline.
        RUNNING | {"clock_deadline_at": at(EARLIER), "breached": True, "breached_at": at(hour=11)},
        # A second clock runs, the first one's breach stays.
        RUNNING | {"breached": True, "breached_at": at(EARLIER)},
        # Never given an allowance: advisory only.
        RUNNING | {"clock_allowed_seconds": None, "clock_deadline_at": None},
        {"clock_state": "STOPPED", "clock_allowed_seconds": 0, "breached": True, "breached_at": at()},
        {"clock_state": "PAUSED", "clock_allowed_seconds": 10, "clock_consumed_seconds": 5},
        {"last_event_at": END - US, "last_event_type": "EvidenceReceived", "event_count": 2, "evidence_count": 1},
    ],
)
def test_what_the_semantics_allow_passes(changes: dict[str, Any]) -> None:
    result = judge("consistency", row(**changes))
    assert result.status is CheckStatus.PASSED, result.sample


def test_a_clock_without_allowance_is_told_but_closes_nothing() -> None:
    results = check_snapshots(
        SNAPSHOT,
        frame([row(**RUNNING | {"clock_allowed_seconds": None, "clock_deadline_at": None})]),
        [DAY],
        CALENDAR,
        around(),
    )
    advisory = next(r for r in results if r.check == "clock_has_allowance")
    assert (advisory.status, advisory.required, advisory.failures) == (CheckStatus.FAILED, False, 1)


def test_every_check_of_the_contract_has_a_result_for_every_date() -> None:
    days = [DAY, DAY + timedelta(days=1)]
    results = check_snapshots(SNAPSHOT, frame([]), days, CALENDAR, around(**nothing_outside(days)))
    expected = {(check.name, day) for check in SNAPSHOT.checks for day in days}
    assert {(r.check, r.partition) for r in results} == expected
    assert len(results) == len(expected)
    assert not verdict(SNAPSHOT, results, days).closed()


def test_rows_of_another_shape_are_not_judged_further() -> None:
    shapeless = frame([row()]).drop("team")
    results = check_snapshots(SNAPSHOT, shapeless, [DAY], CALENDAR, around())
    found = {r.check: r.status for r in results}
    assert found["schema"] is CheckStatus.FAILED
    assert found["consistency"] is found["continuity"] is CheckStatus.MISSING
    assert verdict(SNAPSHOT, results, [DAY]).closed()


def test_a_null_key_closes_the_gate_without_breaking_it() -> None:
    results = check_snapshots(SNAPSHOT, frame([row(case_id=None), row(status=None)]), [DAY], CALENDAR, around())
    assert verdict(SNAPSHOT, results, [DAY]).closed()
