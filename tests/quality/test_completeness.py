"""In the figures against counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.quality.results import CheckResult, CheckStatus
from tests.quality.gathered import (
    AS_OF,
    COUNTED,
    SILENT,
    STRANGER,
    TYPES,
    Gathered,
    closing,
    fact,
    judge,
    rejection,
    result,
    total,
    totals,
)
from tests.quality.rows import DAY


def complete(gathered: Gathered) -> CheckResult:
    return result("completeness", gathered)


def test_the_figures_must_hold_what_was_counted() -> None:
    whole = complete(Gathered(facts=[fact("a"), fact("b")], totals=totals(2)))
    assert (whole.status, whole.detail) == (CheckStatus.PASSED, "")


def test_a_lost_fact_fails_and_names_its_total() -> None:
    found = complete(Gathered(facts=[fact("a")], totals=totals(2)))
    assert (found.status, found.failures) == (CheckStatus.FAILED, 1)
    assert found.sample[0] | {"as_of": ""} == {
        "source": COUNTED,
        "event_type": "CaseOpened",
        "expected": "2",
        "actual": "1",
        "rejected": "0",
        "held": "0",
        "revision": "1",
        "as_of": "",
    }


def test_more_facts_than_counted_fail_too() -> None:
    assert complete(Gathered(facts=[fact("a"), fact("b")], totals=totals(1))).status is CheckStatus.FAILED


def test_a_rejected_fact_is_not_in_the_figures() -> None:
    found = complete(Gathered(facts=[fact("a")], rejected=[rejection("b")], totals=totals(2)))
    assert (found.status, found.detail) == (CheckStatus.FAILED, "1 rejected")


def test_a_fact_that_people_hold_is_not_in_the_figures() -> None:
    found = complete(Gathered(facts=[fact("a"), fact("b", counts=False)], totals=totals(2)))
    assert (found.status, found.detail) == (CheckStatus.FAILED, "1 held or refused by people")


def test_the_highest_revision_holds() -> None:
    old, new = totals(7, revision=1), totals(1, revision=2)
    assert complete(Gathered(facts=[fact("a")], totals=[*new, *old])).status is CheckStatus.PASSED
    newest = totals(7, revision=3)
    assert complete(Gathered(facts=[fact("a")], totals=[*newest, *new])).status is CheckStatus.FAILED


def test_what_was_sent_after_the_count_is_told_and_fails_nothing() -> None:
    late = fact("late", emitted_at=AS_OF + timedelta(microseconds=1))
    found = complete(Gathered(facts=[fact("a", emitted_at=AS_OF), late], totals=totals(1)))
    assert found.status is CheckStatus.PASSED
    assert found.detail == "1 sent after the count, not yet covered"


def test_a_record_accepted_under_another_date_is_not_counted_under_its_own() -> None:
    moved = fact("moved", effective_date=DAY + timedelta(days=6))
    gathered = Gathered(rejected=[rejection("moved")], accepted_elsewhere=[moved], totals=totals(0))
    assert complete(gathered).detail == ""


def test_a_total_that_has_not_come_is_missing_and_not_a_pass() -> None:
    nothing = complete(Gathered(facts=[fact("a")]))
    assert (nothing.status, nothing.failures) == (CheckStatus.MISSING, 2)
    assert nothing.detail == "1 without a control total"
    one_type = complete(Gathered(facts=[fact("a")], totals=[total(1)]))
    assert (one_type.status, one_type.sample) == (
        CheckStatus.MISSING,
        ({"source": COUNTED, "event_type": "CaseClosed"},),
    )
    assert nothing.reads != one_type.reads


def test_totals_of_another_source_do_not_stand_in_for_the_required_one() -> None:
    assert complete(Gathered(totals=totals(0, source=SILENT))).status is CheckStatus.MISSING
    assert complete(Gathered(totals=totals(0, source=STRANGER))).status is CheckStatus.MISSING


def test_a_source_that_need_not_count_is_held_to_what_it_counted() -> None:
    gathered = Gathered(totals=[*totals(0), *totals(1, source=SILENT)])
    assert complete(gathered).status is CheckStatus.FAILED


def test_a_quiet_day_needs_its_zeros() -> None:
    assert complete(Gathered(totals=totals(0))).status is CheckStatus.PASSED


def test_each_date_is_judged_by_itself() -> None:
    other = DAY + timedelta(days=1)
    gathered = Gathered(
        facts=[fact("a")],
        totals=[*totals(1), *totals(1, business_date=other)],
        judged=[closing(DAY), closing(other, 300, 200)],
    )
    found = [r.status for r in judge(gathered) if r.check == "completeness"]
    assert found == [CheckStatus.PASSED, CheckStatus.FAILED]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(TYPES), st.booleans()), max_size=12))
def test_counting_what_is_in_the_figures_always_passes_and_one_off_never(accepted: list[tuple[str, str, bool]]) -> None:
    silver = {name: (kind, late) for name, kind, late in accepted}
    sent = Counter(kind for kind, late in silver.values() if not late)
    facts = [
        fact(name, event_type=kind, emitted_at=AS_OF + timedelta(hours=1 if late else -1))
        for name, (kind, late) in silver.items()
    ]
    opened, closed = (sent[kind] for kind in TYPES)
    assert complete(Gathered(facts=facts, totals=totals(opened, closed))).status is CheckStatus.PASSED
    assert complete(Gathered(facts=facts, totals=totals(opened + 1, closed))).status is CheckStatus.FAILED
