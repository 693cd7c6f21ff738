"""The gate: what opens it, what closes it, and when judging again is worth the while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import GateStatus, Waiver, fingerprint, verdict
from tests.quality.rows import DAY, SNAPSHOT, dates

PASSED, FAILED, MISSING = CheckStatus.PASSED, CheckStatus.FAILED, CheckStatus.MISSING


def all_passed(count: int = 1) -> list[CheckResult]:
    return [CheckResult(c.name, day, c.required, PASSED) for day in dates(count) for c in SNAPSHOT.checks]


def changed(
    results: list[CheckResult], check: str, status: CheckStatus, day: int = 0, reads: str = "r"
) -> list[CheckResult]:
    return [
        replace(r, status=status, reads=reads) if r.check == check and r.partition == dates(day + 1)[-1] else r
        for r in results
    ]


def test_all_passed_is_open() -> None:
    judged = verdict(SNAPSHOT, all_passed(3), dates(3))
    assert not judged.closed()
    assert judged.results == tuple(all_passed(3))
    assert judged.passing_prefix() == tuple(dates(3))
    assert judged.quality_status(dates(3)) is GateStatus.PASSED


@pytest.mark.parametrize("check", SNAPSHOT.required_checks())
@pytest.mark.parametrize("status", [FAILED, MISSING])
def test_a_required_check_that_failed_or_is_missing_closes(check: str, status: CheckStatus) -> None:
    judged = verdict(SNAPSHOT, changed(all_passed(2), check, status, day=1), dates(2))
    assert [p.status for p in judged.partitions] == [GateStatus.PASSED, GateStatus.CLOSED]
    assert judged.closed()[0].reasons[0].startswith(f"{check} {status}")
    with pytest.raises(InvariantBroken, match="a closed partition has no quality status"):
        judged.quality_status(dates(2))


@pytest.mark.parametrize("check", SNAPSHOT.required_checks())
def test_no_result_is_a_closed_gate_and_a_recorded_one(check: str) -> None:
    judged = verdict(SNAPSHOT, [r for r in all_passed() if r.check != check], [DAY])
    assert judged.closed()
    assert [r for r in judged.results if r.status is MISSING] == [
        CheckResult(check, DAY, True, MISSING, detail="the check gave no result")
    ]


def test_no_results_at_all_is_closed() -> None:
    assert verdict(SNAPSHOT, [], [DAY]).closed()


def test_an_advisory_failure_closes_nothing() -> None:
    assert not verdict(SNAPSHOT, changed(all_passed(), "clock_has_allowance", FAILED), [DAY]).closed()


def test_whether_a_check_is_required_is_the_contracts_word() -> None:
    claims = [replace(r, required=False) for r in changed(all_passed(), "schema", FAILED)]
    assert verdict(SNAPSHOT, claims, [DAY]).closed()


def test_a_waiver_lets_its_check_and_its_partitions_pass_and_nothing_else() -> None:
    results = changed(changed(all_passed(2), "completeness", MISSING), "completeness", FAILED, day=1)
    first_only = verdict(SNAPSHOT, results, dates(2), [Waiver("completeness", DAY, DAY)])
    assert [p.status for p in first_only.partitions] == [GateStatus.WAIVED, GateStatus.CLOSED]
    assert first_only.quality_status([DAY]) is GateStatus.WAIVED
    other = verdict(SNAPSHOT, results, dates(2), [Waiver("schema", DAY, DAY + timedelta(days=9))])
    assert not other.passing_prefix()


def test_the_reasons_of_an_open_gate_are_what_was_let_pass_and_nothing_else() -> None:
    assert verdict(SNAPSHOT, all_passed(), [DAY]).partitions[0].reasons == ()
    results = changed(changed(all_passed(), "completeness", FAILED), "no_rejected_facts", CheckStatus.TOLERATED)
    results = changed(results, "clock_has_allowance", FAILED)
    (judged,) = verdict(SNAPSHOT, results, [DAY], [Waiver("completeness", DAY, DAY)]).partitions
    assert judged.status is GateStatus.WAIVED
    assert [reason.split(":")[0] for reason in judged.reasons] == [
        "completeness WAIVED",
        "no_rejected_facts TOLERATED",
    ]


def test_a_tolerated_check_alone_is_no_waiver() -> None:
    tolerated = changed(all_passed(), "no_rejected_facts", CheckStatus.TOLERATED)
    (judged,) = verdict(SNAPSHOT, tolerated, [DAY]).partitions
    assert judged.status is GateStatus.PASSED
    assert len(judged.reasons) == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"expected": "3 events", "actual": "2 events", "detail": "one is late"}, "expected 3 events, found 2 events"),
        ({"expected": "3 events", "detail": "nobody asked"}, "expected 3 events, found nobody asked"),
        ({"actual": "2 events", "detail": "one is late"}, "2 events"),
        ({"detail": "the check gave no result"}, "the check gave no result"),
    ],
)
def test_a_reason_says_what_was_expected_and_what_was_found(said: dict[str, str], reason: str) -> None:
    failed = CheckResult("schema", DAY, True, FAILED, **said)  # type: ignore[arg-type]
    others = [r for r in all_passed() if r.check != "schema"]
    (judged,) = verdict(SNAPSHOT, [failed, *others], [DAY]).partitions
    assert judged.reasons == (f"schema FAILED: {reason}",)


def test_a_waiver_of_what_passes_leaves_no_trace() -> None:
    judged = verdict(SNAPSHOT, all_passed(), [DAY], [Waiver("schema", DAY, DAY)])
    assert judged.quality_status([DAY]) is GateStatus.PASSED


@pytest.mark.parametrize(
    "extra",
    [
        CheckResult("schema", DAY, True, PASSED),
        CheckResult("unheard_of", DAY, True, PASSED),
        CheckResult("schema", DAY + timedelta(days=7), True, PASSED),
    ],
)
def test_a_result_twice_or_of_something_unknown_is_a_bug(extra: CheckResult) -> None:
    with pytest.raises(InvariantBroken, match=extra.check):
        verdict(SNAPSHOT, [*all_passed(), extra], [DAY])


@given(st.lists(st.sampled_from([PASSED, FAILED, MISSING]), min_size=1, max_size=8))
def test_the_prefix_ends_before_the_first_closed_partition(statuses: list[CheckStatus]) -> None:
    results = all_passed(len(statuses))
    for day, status in enumerate(statuses):
        results = changed(results, "schema", status, day)
    prefix = verdict(SNAPSHOT, results, dates(len(statuses))).passing_prefix()
    wrong = [n for n, status in enumerate(statuses) if status is not PASSED]
    assert len(prefix) == (wrong[0] if wrong else len(statuses))


def test_the_fingerprint_changes_with_what_closed_the_gate_only() -> None:
    failed = changed(all_passed(), "completeness", FAILED, reads="one")
    more = changed(changed(all_passed(2), "completeness", FAILED, reads="one"), "completeness", FAILED, 1, "other")
    more = changed(more, "schema", FAILED, reads="third")
    assert fingerprint(more) == fingerprint(reversed(more)) != fingerprint(failed)
    exchanged = changed(changed(all_passed(2), "completeness", FAILED, reads="other"), "completeness", FAILED, 1, "one")
    assert fingerprint(more) != fingerprint(changed(exchanged, "schema", FAILED, reads="third"))
    assert fingerprint(failed) != fingerprint(changed(failed, "completeness", FAILED, reads="two"))
    assert fingerprint(failed) != fingerprint(changed(failed, "completeness", MISSING, reads="one"))
    assert fingerprint(failed) == fingerprint(changed(failed, "clock_has_allowance", FAILED, reads="three"))
    assert fingerprint(all_passed()) == fingerprint([])
