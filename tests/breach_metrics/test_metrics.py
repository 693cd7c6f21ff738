"""The SQL of the breach metrics against an oracle, and its gate against rows that were broken."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.calendar import BusinessCalendar, days
from casegold.quality.results import CheckResult, CheckStatus
from products.breach_metrics.build import build_breach_metrics
from products.breach_metrics.checks import check_breach_metrics
from tests.breach_metrics.oracle import Row, metrics
from tests.quality.rows import METRICS, SNAPSHOT, row

QUARTER = date(2026, 1, 1)
EVE, SHOWN = date(2025, 12, 31), date(2026, 1, 4)  # four days are a quarter to the SQL: it reads what it is given
START = datetime(2026, 1, 1, tzinfo=UTC)
CALENDAR = BusinessCalendar("UTC")
CLOCKS = st.tuples(
    st.sampled_from(["NONE", "RUNNING", "PAUSED", "STOPPED"]),
    st.integers(0, 12),
    st.one_of(st.none(), st.integers(0, 7)),
)


def build(rows: list[Row]) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("all_rows", pa.Table.from_pylist(rows, schema=pa.schema(SNAPSHOT.arrow_schema())))
        first = QUARTER.isoformat()
        connection.execute(f"create temp view snapshot_rows as from all_rows where snapshot_date >= date '{first}'")
        connection.execute(
            f"create temp view previous_quarter_end as from all_rows where snapshot_date < date '{first}'"
        )
        return build_breach_metrics(connection, QUARTER, CALENDAR)


@st.composite
def lives(draw: st.DrawFn, case_id: str) -> list[Row]:
    """One case's rows from some day to the last. Clocks move as they like, also as no real clock does."""
    opened = draw(st.integers(-1, 3))
    breach = draw(st.one_of(st.none(), st.integers(-2, 3)))
    found = []
    for day in days(QUARTER + timedelta(days=opened), SHOWN):
        state, consumed, allowed = draw(CLOCKS)
        shown = breach is not None and QUARTER + timedelta(days=breach) <= day
        found.append(
            row(
                snapshot_date=day,
                case_id=case_id,
                case_type=draw(st.sampled_from(["FRAUD", "TAX"])),
                team=draw(st.sampled_from([None, "north"])),
                opened_at=START + timedelta(days=opened),
                clock_state=state,
                clock_consumed_seconds=0 if state == "NONE" else consumed,
                clock_allowed_seconds=None if state == "NONE" else allowed,
                breached=shown,
                breached_at=START + timedelta(days=breach) if shown and breach is not None else None,
            )
        )
    return found


REGISTERS = st.integers(0, 12).flatmap(lambda n: st.tuples(*(lives(f"C-{i}") for i in range(n))))


@given(register=REGISTERS)
@settings(max_examples=120, deadline=None)
def test_the_figures_are_the_oracles_and_pass_the_gate(register: tuple[list[Row], ...]) -> None:
    rows = [one for life in register for one in life]
    table = build(rows)
    assert table.to_pylist() == metrics(rows, QUARTER, SHOWN, START)
    assert {result.status for result in judge(table).values()} == {CheckStatus.PASSED}


def judge(table: pa.Table, **changes: Any) -> dict[str, CheckResult]:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    whole = {QUARTER: tuple(days(EVE, date(2026, 3, 31)))}
    results = check_breach_metrics(
        METRICS, frame.with_columns(**changes.pop("columns", {})), [QUARTER], days_read=whole, **changes
    )
    assert {result.check for result in results} == {check.name for check in METRICS.checks}
    return {result.check: result for result in results}


def example() -> pa.Table:
    clock = {"clock_state": "RUNNING", "clock_allowed_seconds": 3}
    shares = [row(snapshot_date=SHOWN, case_id=f"C-{n}", clock_consumed_seconds=n, **clock) for n in range(10)]
    return build([*shares, row(snapshot_date=SHOWN, case_id="C-none"), row(snapshot_date=SHOWN, case_id="T", team="t")])


def test_nearest_rank_and_nulls_without_a_denominator() -> None:
    with_clocks, without = example().to_pylist()
    assert (with_clocks["cases"], with_clocks["cases_with_clock"], with_clocks["clocks_started"]) == (11, 10, 10)
    # Of 10 shares the 5th and the 9th: 4/3 and 8/3.
    assert with_clocks["consumed_share_p50"] == Decimal("1.333333")
    assert with_clocks["consumed_share_p90"] == Decimal("2.666667")
    assert with_clocks["breach_rate"] == 0
    assert [without[name] for name in ("breach_rate", "consumed_share_p50", "consumed_share_p90")] == [None] * 3


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("cases", 0, "group_has_a_case"),
        ("cases_with_clock", 12, "clock_cases_are_cases"),
        ("clocks_running", 11, "running_cases_have_a_clock"),
        ("cases_breached", 11, "breached_cases_had_a_clock"),
        ("cases_breached", 1, "rate_is_the_quotient"),
        ("shares_measured", 11, "measured_cases_had_a_clock"),
        ("cases_with_clock", 0, "starts_need_a_clock"),
        ("breach_rate", None, "rate_only_with_denominator"),
        ("breach_rate", Decimal("1.000001"), "rate_from_0_to_1"),
        ("consumed_share_p50", None, "percentiles_only_of_shares"),
        ("consumed_share_p50", Decimal("-0.000001"), "shares_not_negative"),
        ("consumed_share_p50", Decimal("2.666668"), "p50_at_most_p90"),
    ],
)
def test_figures_that_disagree_fail(column: str, value: object, rule: str) -> None:
    kind = pl.from_arrow(example().schema.empty_table()).schema[column]  # type: ignore[union-attr]
    result = judge(example(), columns={column: pl.lit(value, dtype=kind)})["consistency"]
    assert result.status is CheckStatus.FAILED
    assert rule in result.detail


def test_a_group_twice_and_a_day_not_read_fail() -> None:
    table = pa.concat_tables([example(), example()])
    assert judge(table)["unique_key"].status is CheckStatus.FAILED
    frame = pl.from_arrow(example())
    assert isinstance(frame, pl.DataFrame)
    lacking = {QUARTER: tuple(days(QUARTER, date(2026, 3, 30)))}
    results = {r.check: r for r in check_breach_metrics(METRICS, frame, [QUARTER], days_read=lacking)}
    assert results["inputs_complete"].actual == "89 days"
    assert results["inputs_complete"].status is CheckStatus.FAILED
