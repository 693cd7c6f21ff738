"""For any register the snapshots are the oracle's, however the work is cut."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casegold.domain.calendar import days
from products.case_daily_snapshot.build import open_corrections
from tests.transform.oracle import Corrections, Fact, snapshots
from tests.transform.register import Register, before, in_steps, of_date
from tests.transform.strategies import Window, registers

EXAMPLES = os.environ.get("CASEGOLD_TEST_EXAMPLES")
CONNECTION = duckdb.connect(config={"threads": 1})
examples = settings(
    max_examples=int(EXAMPLES or 30),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def register_of(window: Window) -> Register:
    return Register(window.calendar, CONNECTION)


def expected(window: Window, facts: list[Fact]) -> list[dict[str, Any]]:
    return snapshots(facts, register_of(window).ends(window.first, window.last))


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: (row["snapshot_date"], row["case_id"]))


@examples
@given(registers())
def test_from_scratch_equals_the_oracle(case: tuple[Window, list[Fact]]) -> None:
    window, facts = case
    built = register_of(window).build(facts, window.first, window.last, max_rows=4)
    assert built.to_pylist() == expected(window, facts)


@examples
@given(registers(), st.sets(st.integers(1, 4)))
def test_any_cut_of_the_range_gives_the_same_rows(case: tuple[Window, list[Fact]], cuts: set[int]) -> None:
    window, facts = case
    dates = [window.first + timedelta(days=cut) for cut in cuts]
    built = in_steps(register_of(window), facts, window.first, window.last, dates)
    assert as_rows(built) == expected(window, facts)


@examples
@given(registers(), st.data())
def test_late_facts_from_the_first_changed_date_give_the_same_rows(
    case: tuple[Window, list[Fact]], data: st.DataObject
) -> None:
    window, facts = case
    register = register_of(window)
    batches = data.draw(st.lists(st.integers(0, len(facts)), max_size=3).map(sorted))
    built = register.build([], window.first, window.last)
    seen: list[dict[str, Any]] = []
    for size in [*batches, len(facts)]:
        known = facts[:size]
        now = expected(window, known)
        changed = [
            day
            for day in days(window.first, window.last)
            if [row for row in now if row["snapshot_date"] == day]
            != [row for row in seen if row["snapshot_date"] == day]
        ]
        if changed:
            first = data.draw(st.sampled_from(list(days(window.first, changed[0]))))
            previous = None if first == window.first else of_date(built, first - timedelta(days=1))
            again = register.build(known, first, window.last, previous=previous)
            built = pa.concat_tables([before(built, first), again])
        assert as_rows(built) == now
        seen = now


@examples
@given(registers())
def test_open_corrections_are_listed_with_their_reason(case: tuple[Window, list[Fact]]) -> None:
    window, facts = case
    register = register_of(window)
    register.use(facts)
    listed = {(row["source"], row["event_id"]): row["reason"] for row in open_corrections(CONNECTION).to_pylist()}
    assert listed == Corrections(facts).open()
