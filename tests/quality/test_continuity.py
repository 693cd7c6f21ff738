"""No case gets lost: against the day before, and against the known openings."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.errors import InvariantBroken
from casegold.quality.continuity import check_continuity, check_presence
from casegold.quality.results import CheckResult, CheckStatus
from tests.quality.rows import DAY, dates

NO_CASES = pl.Series([], dtype=pl.String)
SCHEMA = {"snapshot_date": pl.Date, "case_id": pl.String}


def snapshots(*days: str) -> pl.DataFrame:
    """One text for each date, one letter for each case."""
    rows = [(DAY + timedelta(days=n), case) for n, cases in enumerate(days) for case in cases]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def continuity(*days: str, previous: str | None = None, corrected: str = "") -> tuple[CheckResult, ...]:
    return check_continuity(
        snapshots(*days),
        dates(len(days)),
        previous=None if previous is None else pl.Series(list(previous), dtype=pl.String),
        corrected_openings=pl.Series(list(corrected), dtype=pl.String),
    )


def test_a_vanished_case_fails_the_date_it_is_gone_from() -> None:
    first, second, third = continuity("ab", "b", "b", previous="ab")
    assert first.status is third.status is CheckStatus.PASSED
    assert (second.status, second.failures) == (CheckStatus.FAILED, 1)
    assert second.sample == ({"snapshot_date": "2026-03-03", "case_id": "a"},)


def test_the_published_day_before_counts() -> None:
    (result,) = continuity("b", previous="abc")
    assert result.failures == 2


def test_the_registers_first_day_has_no_day_before_and_says_so() -> None:
    (result,) = continuity("a", previous=None)
    assert (result.status, result.detail) == (CheckStatus.PASSED, "there is no day before")


def test_a_case_whose_opening_was_corrected_may_vanish() -> None:
    assert continuity("b", previous="ab", corrected="a")[0].status is CheckStatus.PASSED
    assert continuity("b", previous="ab", corrected="b")[0].status is CheckStatus.FAILED


def test_an_empty_day_after_a_full_one_fails() -> None:
    assert [r.failures for r in continuity("abc", "", "", previous="abc")] == [0, 3, 0]


def test_dates_with_a_gap_are_refused() -> None:
    with pytest.raises(InvariantBroken, match="gap"):
        check_continuity(snapshots("a"), [DAY, DAY + timedelta(days=2)], previous=None, corrected_openings=NO_CASES)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcde")), min_size=1, max_size=6), st.sets(st.sampled_from("abcde")))
def test_continuity_counts_what_set_difference_counts(days: list[set[str]], corrected: set[str]) -> None:
    results = continuity(*("".join(sorted(day)) for day in days), previous="ab", corrected="".join(corrected))
    befores = [{"a", "b"}, *days[:-1]]
    assert [r.failures for r in results] == [
        len(before - day - corrected) for before, day in zip(befores, days, strict=True)
    ]


def openings(**opened: date) -> pl.DataFrame:
    return pl.DataFrame(list(opened.items()), schema={"case_id": pl.String, "opened_on": pl.Date}, orient="row")


def test_an_empty_read_is_not_an_empty_register() -> None:
    (result,) = check_presence(snapshots(""), [DAY], openings=openings(a=DAY, b=DAY - timedelta(days=400)))
    assert (result.status, result.failures) == (CheckStatus.FAILED, 2)
    assert [case["case_id"] for case in result.sample] == ["a", "b"]


def test_a_case_is_expected_from_its_opening_on_and_others_may_be_there_too() -> None:
    results = check_presence(
        snapshots("x", "ax", "x"), dates(3), openings=openings(a=DAY + timedelta(days=1), z=DAY + timedelta(days=9))
    )
    assert [r.failures for r in results] == [0, 0, 1]


def test_a_register_without_openings_may_be_empty() -> None:
    (result,) = check_presence(snapshots(""), [DAY], openings=openings())
    assert result.status is CheckStatus.PASSED


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(-2, 5)),
    st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=5),
)
def test_presence_counts_what_a_loop_counts(opened: dict[str, int], days: list[set[str]]) -> None:
    results = check_presence(
        snapshots(*("".join(day) for day in days)),
        dates(len(days)),
        openings=openings(**{case: DAY + timedelta(days=n) for case, n in opened.items()}),
    )
    assert [r.failures for r in results] == [
        sum(1 for case, on in opened.items() if on <= n and case not in day) for n, day in enumerate(days)
    ]
