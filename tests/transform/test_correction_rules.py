"""The named rules about corrections, one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from products.case_daily_snapshot.corrections import Verdict, overrule
from tests.transform.life import Life, at, open_reasons


def opened() -> Life:
    return Life().opened(1, name="opening").closed(5, name="closing")


def test_a_retracted_fact_never_was() -> None:
    row = opened().retracted(6, "closing").row()
    assert (row["status"], row["event_count"], row["last_event_type"]) == ("OPEN", 1, "CaseOpened")


def test_a_correction_counts_when_it_is_known_whatever_its_own_time() -> None:
    assert opened().retracted(1000, "closing").row()["status"] == "OPEN"


def test_a_case_whose_opening_is_retracted_is_gone() -> None:
    assert opened().retracted(6, "opening").rows() == []


def test_a_replaced_fact_moves_and_gets_the_replacements_data() -> None:
    life = Life().opened(1).decided(2, "FINE", name="d", penalty_amount="9.00", currency="EUR")
    life.replaced(3, "d", moved_to=30, decision="WARN")
    assert life.row(day=1)["status"] == "OPEN"
    row = life.row(day=2)
    assert (row["decision"], row["decision_at"], row["penalty_amount"]) == ("WARN", at(30), None)


def test_a_replaced_fact_keeps_its_sequence_and_id() -> None:
    life = Life().opened(1).fact("CaseAssigned", 2, name="x", assignee="early", sequence=9)
    life.fact("CaseAssigned", 3, name="y", assignee="late", sequence=8)
    assert life.replaced(4, "x", moved_to=3, assignee="moved", team="red").row()["assignee"] == "moved"


def test_of_several_corrections_the_last_counts() -> None:
    life = opened().retracted(9, "closing").replaced(8, "closing", moved_to=3)
    assert life.row()["status"] == "OPEN"
    assert life.replaced(10, "closing", moved_to=4).row()["closed_at"] == at(4)


def test_corrections_of_one_instant_are_ordered_by_sequence_then_id() -> None:
    life = opened().replaced(6, "closing", name="b", moved_to=4).replaced(6, "closing", name="a", moved_to=3)
    assert life.row()["closed_at"] == at(4)
    life.facts[-1] = replace(life.facts[-1], sequence=1)
    assert life.row()["closed_at"] == at(3)


def test_a_correction_concerns_events_of_its_own_source_only() -> None:
    life = opened().retracted(6, "closing")
    life.facts[-1] = replace(life.facts[-1], source="b")
    assert life.row()["status"] == "CLOSED"
    life.facts.append(replace(life.facts[1], source="b"))
    assert (life.row()["status"], life.row()["event_count"]) == ("CLOSED", 2)


def test_corrections_of_two_sources_do_not_compete() -> None:
    life = opened().replaced(6, "closing", moved_to=4)
    life.facts.append(replace(life.facts[1], source="b"))
    life.facts.append(replace(life.facts[2], source="b", moved_to=at(3)))
    assert life.row()["closed_at"] == at(3)
    assert life.row()["last_event_at"] == at(4)


def test_a_retraction_of_a_correction_brings_its_target_back() -> None:
    life = opened().retracted(6, "closing", name="first").retracted(7, "first", name="second")
    assert life.row()["status"] == "CLOSED"
    assert life.retracted(8, "second").row()["status"] == "OPEN"


def test_with_the_last_correction_retracted_the_one_before_counts() -> None:
    life = opened().replaced(6, "closing", moved_to=4).retracted(7, "closing", name="last").retracted(8, "last")
    assert life.row()["closed_at"] == at(4)


def test_a_correction_of_an_unknown_fact_waits_for_it() -> None:
    life = Life().opened(1).retracted(2, "later")
    assert open_reasons(life) == {"f1": "UNKNOWN_TARGET"}
    life.closed(3, name="later")
    assert open_reasons(life) == {}
    assert life.row()["status"] == "OPEN"


def test_a_correction_from_another_case_does_not_apply() -> None:
    other = Life("other", [*opened()]).retracted(6, "closing", name="k")
    assert open_reasons(other) == {"k": "OTHER_CASE"}
    assert other.row()["status"] == "CLOSED"


@pytest.mark.parametrize(
    ("target", "data"),
    [
        (Life().opened(2, name="t"), {"case_type": "tax", "jurisdiction": "NL"}),
        (Life().fact("EvidenceReceived", 2, name="t", evidence_id="x", evidence_kind="y"), {"evidence_id": "x"}),
        (Life().fact("EvidenceReceived", 2, name="t", evidence_id="x", evidence_kind="y"), {"evidence_kind": "y"}),
        (Life().fact("CaseAssigned", 2, name="t", assignee="ann", team="red"), {"team": "red"}),
        (Life().fact("CaseAssigned", 2, name="t", assignee="ann", team="red"), {"assignee": "ann"}),
        (Life().fact("CaseEscalated", 2, name="t", escalation_level=2), {}),
        (Life().decided(2, name="t"), {"currency": "EUR"}),
        (Life().decided(2, name="t"), {"decision": "FINE", "penalty_amount": "1.00"}),
        (Life().started(2, name="t"), {"allowance_seconds": 1, "deadline_at": at(9)}),
    ],
)
def test_a_replacement_that_does_not_suit_its_type_does_not_apply(target: Life, data: dict[str, Any]) -> None:
    life = Life("c", [*Life().opened(1, name="o"), *target])
    before = life.row()
    life.replaced(6, "t", name="k", moved_to=3, **data)
    assert open_reasons(life) == {"k": "INVALID_REPLACEMENT"}
    assert life.row() == before


def test_a_replacement_without_its_own_time_does_not_apply() -> None:
    life = opened().replaced(6, "closing", name="k", moved_to=None)
    assert open_reasons(life) == {"k": "INVALID_REPLACEMENT"}
    assert life.row()["closed_at"] == at(5)


def test_an_inapplicable_correction_leaves_an_earlier_one_in_force() -> None:
    life = opened().replaced(6, "closing", moved_to=4).replaced(7, "closing", name="k", moved_to=None)
    assert life.row()["closed_at"] == at(4)


def test_a_correction_cannot_be_replaced() -> None:
    life = opened().retracted(6, "closing", name="first").replaced(7, "first", name="k", moved_to=3)
    assert open_reasons(life) == {"k": "REPLACES_CORRECTION"}
    assert life.row()["status"] == "OPEN"


def test_a_retracted_correction_is_no_longer_open() -> None:
    life = Life().opened(1).retracted(2, "nobody", name="first").retracted(3, "first")
    assert open_reasons(life) == {}


def test_corrections_in_a_cycle_are_open_and_change_nothing() -> None:
    life = opened().retracted(6, "y", name="x").retracted(7, "x", name="y").retracted(8, "self", name="self")
    assert open_reasons(life) == {"x": "CYCLE", "y": "CYCLE", "self": "CYCLE"}
    assert life.row()["status"] == "CLOSED"


def test_overrule_alternates_along_a_chain_and_stops_at_cycles() -> None:
    def key(name: str) -> tuple[str, str]:
        return ("a", name)

    chain = {key("2"): key("1"), key("3"): key("2"), key("4"): key("3")}
    cycle = {key("x"): key("y"), key("y"): key("x"), key("into"): key("x")}
    assert overrule({**chain, **cycle}) == {
        key("1"): Verdict.RETRACTED,
        key("3"): Verdict.RETRACTED,
        key("x"): Verdict.CYCLE,
        key("y"): Verdict.CYCLE,
    }
