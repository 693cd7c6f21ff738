"""The named rules about a case's state, one by one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.transform.life import FIRST, Life, at


def test_a_case_is_there_from_the_date_of_its_first_opening() -> None:
    assert [row["snapshot_date"].day for row in Life().opened(30).rows(days=3)] == [2, 3]


def test_a_case_without_an_opening_is_nowhere() -> None:
    assert Life().closed(1).decided(2).rows(days=2) == []


def test_facts_before_the_opening_apply_once_it_is_there() -> None:
    life = Life().fact("EvidenceReceived", 1, evidence_id="x", evidence_kind="y").opened(30)
    assert life.rows(days=1) == []
    row = life.row(day=2)
    assert (row["event_count"], row["evidence_count"], row["opened_at"]) == (2, 1, at(30))


def test_a_fact_at_the_end_of_a_date_belongs_to_the_next() -> None:
    life = Life().opened(1).closed(24)
    assert [row["status"] for row in life.rows(days=2)] == ["OPEN", "CLOSED"]


def test_facts_of_one_instant_apply_by_sequence_then_id() -> None:
    life = Life().opened(1)
    life.fact("CaseAssigned", 2, name="b", assignee="second", sequence=1)
    life.fact("CaseAssigned", 2, name="z", assignee="first", sequence=0)
    assert life.row()["assignee"] == "second"
    assert life.fact("CaseAssigned", 2, name="c", assignee="third", sequence=1).row()["assignee"] == "third"


@pytest.mark.parametrize("sources", ["ab", "ba"])
def test_facts_of_one_instant_and_id_apply_by_source(sources: str) -> None:
    life = Life().opened(1).fact("CaseAssigned", 2, name="x")
    assignment = life.facts.pop()
    life.facts += [replace(assignment, source=source, data={"assignee": source}) for source in sources]
    assert life.row()["assignee"] == "b"


@pytest.mark.parametrize(
    ("life", "status"),
    [
        (Life().opened(1), "OPEN"),
        (Life().opened(1).fact("CaseEscalated", 2, escalation_level=2), "ESCALATED"),
        (Life().opened(1).fact("CaseEscalated", 2, escalation_level=2).decided(3), "DECIDED"),
        (Life().opened(1).decided(3).closed(4), "CLOSED"),
        (Life().opened(1).closed(3).decided(4), "CLOSED"),
    ],
)
def test_status_is_the_strongest_of_closed_decided_escalated(life: Life, status: str) -> None:
    assert life.row()["status"] == status


def test_reopening_clears_closing_and_decision_and_keeps_the_first_opening() -> None:
    row = Life().opened(1).decided(2, penalty_amount="10.00", currency="EUR").closed(3).opened(4, priority="HIGH").row()
    assert (row["status"], row["opened_at"], row["priority"]) == ("OPEN", at(1), "HIGH")
    cleared = ("closed_at", "decision", "decision_at", "penalty_amount", "currency")
    assert [row[name] for name in cleared] == [None] * 5


def test_an_opening_of_an_open_case_clears_nothing() -> None:
    row = Life().opened(1).decided(2).opened(3, case_type="fraud").row()
    assert (row["status"], row["case_type"]) == ("DECIDED", "fraud")


def test_a_closing_before_the_first_opening_closes_and_that_opening_does_not_reopen() -> None:
    life = Life().closed(1).opened(2)
    assert (life.row()["status"], life.row()["closed_at"]) == ("CLOSED", at(1))
    assert life.opened(3).row()["status"] == "OPEN"


def test_the_first_closing_since_the_reopening_stands() -> None:
    life = Life().opened(1).closed(2).closed(3)
    assert life.row()["closed_at"] == at(2)
    assert life.opened(4).closed(5).closed(6).row()["closed_at"] == at(5)


def test_facts_after_a_closing_count_but_do_not_reopen() -> None:
    row = Life().opened(1).closed(2).fact("CaseEscalated", 3, escalation_level=1).row()
    assert (row["status"], row["escalation_level"], row["event_count"]) == ("CLOSED", 1, 3)
    assert (row["last_event_type"], row["last_event_at"]) == ("CaseEscalated", at(3))


def test_the_latest_decision_stands_as_a_whole() -> None:
    row = Life().opened(1).decided(2, "FINE", penalty_amount="10.50", currency="EUR").decided(3, "WARN").row()
    assert (row["decision"], row["decision_at"], row["penalty_amount"], row["currency"]) == ("WARN", at(3), None, None)
    assert Life().opened(1).decided(2, penalty_amount="10.5").row()["penalty_amount"] == Decimal("10.50")


def test_the_latest_assignment_stands_as_a_whole() -> None:
    life = Life().opened(1).fact("CaseAssigned", 2, assignee="ann", team="red").fact("CaseAssigned", 3, assignee="bob")
    assert (life.row()["assignee"], life.row()["team"]) == ("bob", None)


def test_a_level_may_fall() -> None:
    life = Life().opened(1).fact("CaseEscalated", 2, escalation_level=3).fact("CaseEscalated", 3, escalation_level=1)
    assert life.row()["escalation_level"] == 1


def test_what_was_never_said_is_null_or_zero() -> None:
    row = Life().opened(1).row()
    assert (row["snapshot_date"], row["escalation_level"], row["evidence_count"]) == (FIRST, 0, 0)
    assert (row["assignee"], row["decision"], row["closed_at"], row["breached_at"]) == (None,) * 4
