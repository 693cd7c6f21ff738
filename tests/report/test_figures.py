"""The report's figures against a count by hand, and each definition by an example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.calendar import BusinessCalendar
from products.enforcement_report.build import REPORT_SCHEMA
from products.enforcement_report.figures import DIMENSIONS
from tests.report.register import EVE, MONTH, Case, build, by_hand, figures, instant

NEW = date(2026, 2, 10)


def total(*cases: Case, first: date = EVE) -> dict[str, Decimal | None]:
    rows = [row for case in cases for row in case.rows(first)]
    found = figures(build(rows))
    assert found == by_hand(rows)
    return {measure: value for (dimension, _, measure, _), value in found.items() if dimension == "TOTAL"}


def counts(*cases: Case, first: date = EVE) -> Counter[str]:
    return Counter({name: int(value) for name, value in total(*cases, first=first).items() if value})


def test_a_case_opened_and_closed_in_the_month() -> None:
    assert counts(Case("a", NEW, [(NEW + timedelta(days=3), "close", None)])) == {"OPENED": 1, "CLOSED": 1}


def test_opened_and_closed_on_one_day_counts_as_both() -> None:
    assert counts(Case("a", NEW, [(NEW, "close", None)])) == {"OPENED": 1, "CLOSED": 1}


def test_every_closing_and_reopening_counts() -> None:
    story = [(NEW + timedelta(days=n), what, None) for n, what in enumerate(["close", "reopen", "close", "reopen"])]
    assert counts(Case("a", EVE, story)) == {"OPEN_AT_START": 1, "CLOSED": 2, "REOPENED": 2, "OPEN_AT_END": 1}


def test_closed_again_on_the_day_it_was_reopened_counts_both() -> None:
    story = [(EVE, "close", None), (NEW, "reopen", None), (NEW, "close", None)]
    assert counts(Case("a", EVE, story)) == {"REOPENED": 1, "CLOSED": 1}


def test_reopened_is_not_opened() -> None:
    assert counts(Case("a", EVE, [(EVE, "close", None), (NEW, "reopen", None)])) == {"REOPENED": 1, "OPEN_AT_END": 1}


def test_a_case_escalates_once_a_month_and_only_upwards() -> None:
    up_twice = [(NEW, "level", 1), (NEW + timedelta(days=1), "level", 3), (NEW + timedelta(days=2), "level", 2)]
    down = [(EVE, "level", 2), (NEW, "level", 1)]
    assert counts(Case("a", EVE, up_twice), Case("b", EVE, down))["ESCALATED"] == 1


def test_a_breach_belongs_to_the_month_it_happened_in() -> None:
    before, now = Case("a", EVE, [(EVE, "breach", None)]), Case("b", EVE, [(NEW, "breach", None)])
    assert counts(before, now)["BREACHED"] == 1


def test_what_is_dated_before_the_opening_belongs_to_the_month_of_the_opening() -> None:
    early = Case("a", NEW, [(EVE, "breach", None), (EVE, "decide", (Decimal("5.00"), "EUR", 9))])
    found = total(early)
    assert found["BREACHED"] == found["DECIDED"] == 1
    assert found["MEDIAN_DAYS_TO_DECISION"] == 0
    assert counts(Case("a", NEW, [(EVE, "close", None)])) == {"OPENED": 1, "CLOSED": 1}


def test_a_decision_withdrawn_by_a_reopening_does_not_count() -> None:
    decided = (NEW, "decide", (Decimal("100.00"), "EUR", 9))
    later = NEW + timedelta(days=1)
    found = total(Case("a", EVE, [decided, (NEW, "close", None), (later, "reopen", None)]))
    assert found["DECIDED"] == 0
    assert "PENALTIES" not in found
    assert found["MEDIAN_DAYS_TO_DECISION"] is None


def test_penalties_of_two_currencies_are_never_added() -> None:
    cases = [
        Case("a", EVE, [(NEW, "decide", (Decimal("0.10"), "EUR", 9))]),
        Case("b", EVE, [(NEW, "decide", (Decimal("0.20"), "EUR", 9))]),
        Case("c", EVE, [(NEW, "decide", (Decimal("9.99"), "USD", 9))]),
        Case("d", EVE, [(NEW, "decide", (None, None, 9))]),
    ]
    found = figures(build([row for case in cases for row in case.rows()]))
    assert found["TOTAL", "", "PENALTIES", "EUR"] == Decimal("0.30")
    assert found["TOTAL", "", "PENALTIES", "USD"] == Decimal("9.99")
    assert found["TOTAL", "", "DECIDED", "cases"] == 4


def test_the_median_is_exact() -> None:
    # Opened at 01:00, decided at 13:00 and 19:00 of the same day: 0.5 and 0.75 days.
    even = [Case(c, NEW, [(NEW, "decide", (None, None, hour))]) for c, hour in (("a", 13), ("b", 19))]
    assert total(*even)["MEDIAN_DAYS_TO_DECISION"] == Decimal("0.63")
    odd = [*even, Case("c", NEW, [(NEW, "decide", (None, None, 7))])]
    assert total(*odd)["MEDIAN_DAYS_TO_DECISION"] == Decimal("0.50")


def test_the_registers_first_month_takes_older_cases_as_they_are() -> None:
    old = date(2025, 5, 1)
    cases = [
        Case("open", old),
        Case("closed", old, [(EVE, "close", None)]),
        Case("closed_in_month", old, [(MONTH, "close", None)]),
        Case("escalated", old, [(EVE, "level", 2)]),
    ]
    assert counts(*cases, first=MONTH) == {"OPEN_AT_START": 3, "CLOSED": 1, "OPEN_AT_END": 2}


def test_cases_without_a_team_are_a_group_and_moves_take_the_whole_month_along() -> None:
    cases = [Case("a", EVE, [(NEW, "team", "north")]), Case("b", EVE)]
    found = figures(build([row for case in cases for row in case.rows()]))
    assert found["TEAM", "north", "OPEN_AT_START", "cases"] == 1
    assert found["TEAM", "", "OPEN_AT_END", "cases"] == 1


def test_an_empty_register_has_a_total_of_zeros() -> None:
    found = figures(build([]))
    assert set(found.values()) == {Decimal(0), None}
    assert {dimension for dimension, *_ in found} == {"TOTAL"}


def test_the_table_has_the_reports_columns_in_stable_order() -> None:
    rows = [row for name in "cab" for row in Case(name, NEW, case_type=name).rows()]
    table = build(rows)
    assert table.schema == REPORT_SCHEMA
    keys = [tuple(r.values())[:5] for r in table.to_pylist()]
    assert keys == sorted(keys)
    assert table.equals(build(rows[::-1]))


def acts() -> st.SearchStrategy[Sequence[tuple[date, str, Any]]]:
    day = st.integers(0, 28).map(lambda n: EVE + timedelta(days=n))
    amount = st.none() | st.decimals(0, 10_000_000, places=2)
    decide = st.tuples(amount, st.sampled_from(["EUR", "USD"]), st.integers(2, 23))
    act = st.one_of(
        st.tuples(day, st.sampled_from(["close", "reopen", "close", "reopen", "breach"]), st.none()),
        st.tuples(day, st.just("level"), st.integers(0, 3)),
        st.tuples(day, st.just("team"), st.sampled_from(["north", "south", ""])),
        st.tuples(day, st.just("decide"), decide),
    )
    return st.lists(act, max_size=8).map(lambda found: sorted(found, key=lambda a: a[0]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-20, 27), acts(), st.sampled_from(["FRAUD", "TAX"]), st.sampled_from(["NL", "IT"])),
        max_size=8,
    ),
    st.booleans(),
)
def test_any_register_gives_the_figures_counted_by_hand(lives: list[Any], has_eve: bool) -> None:
    cases = [
        Case(f"C-{n}", MONTH + timedelta(days=opened), story, kind, place)
        for n, (opened, story, kind, place) in enumerate(lives)
    ]
    rows = [row for case in cases for row in case.rows(EVE if has_eve else MONTH)]
    found = figures(build(rows))
    assert found == by_hand(rows)
    for dimension in ("TOTAL", *DIMENSIONS):
        sums: Counter[str] = Counter()
        for (of, _, measure, unit), value in found.items():
            if of == dimension and unit == "cases":
                sums[measure] += int(value or 0)
        flow = sums["OPEN_AT_START"] + sums["OPENED"] + sums["REOPENED"] - sums["CLOSED"]
        assert flow == sums["OPEN_AT_END"]


def test_the_business_zones_midnight_begins_the_month() -> None:
    half_past_midnight_in_amsterdam = instant(EVE, 23) + timedelta(minutes=30)
    row = Case("a", MONTH).rows()[-1] | {"opened_at": half_past_midnight_in_amsterdam}
    for zone, opened in (("Europe/Amsterdam", 1), ("UTC", 0)):
        found = figures(build([row], BusinessCalendar(zone)))
        assert found["TOTAL", "", "OPENED", "cases"] == opened
