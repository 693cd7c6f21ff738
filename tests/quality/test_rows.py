"""Schema and key checks: exact counts, told apart by partition, in one pass."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, CheckStatus, digest_of_texts, not_judged
from casegold.quality.rows import check_schema, check_unique_key
from tests.quality.rows import DAY, SNAPSHOT, dates, frame, row

NEXT = DAY + timedelta(days=1)


def test_valid_rows_pass_in_every_partition_also_an_empty_one() -> None:
    results = check_schema(SNAPSHOT, frame([row()]), [DAY, NEXT])
    assert [(r.partition, r.status, r.failures, r.reads) for r in results] == [
        (DAY, CheckStatus.PASSED, 0, ""),
        (NEXT, CheckStatus.PASSED, 0, ""),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "PENDING"},
        {"status": ""},
        {"case_type": None},
        {"opened_at": None},
        {"priority": "normal"},
        {"clock_consumed_seconds": -1},
        {"event_count": 0},
        {"last_event_type": "CaseCorrected"},
        {"breached": None},
    ],
)
def test_a_bad_value_fails_its_own_partition_only(change: dict[str, Any]) -> None:
    rows = [row(), row(snapshot_date=NEXT), row(snapshot_date=NEXT, case_id="C-2", **change)]
    good, bad = check_schema(SNAPSHOT, frame(rows), [DAY, NEXT])
    assert good.status is CheckStatus.PASSED
    assert (bad.status, bad.failures) == (CheckStatus.FAILED, 1)
    assert bad.sample[0]["case_id"] == "C-2"
    assert next(iter(change)) in bad.sample[0]["problem"]


def test_what_concerns_the_whole_frame_is_told_with_every_partition() -> None:
    foreign = frame([row(), row(snapshot_date=DAY + timedelta(days=9))])
    gone = foreign.columns[-12:]
    result, other = check_schema(SNAPSHOT, foreign.drop(gone), [DAY, NEXT])
    problems = [f"{name}: column_in_dataframe ({name})" for name in gone]
    problems.append("snapshot_date: 1 rows lie in none of the partitions judged")
    assert result == CheckResult(
        "schema",
        DAY,
        True,
        CheckStatus.FAILED,
        failures=13,
        expected="the contract's columns, types and values",
        actual="; ".join(problems[:3]),
        sample=tuple({"problem": problem} for problem in problems[:10]),
        detail="applies to the whole range that was judged",
        reads=digest_of_texts(sorted(problems)),
    )
    assert other == replace(result, partition=NEXT)
    (advisory,) = check_schema(SNAPSHOT, foreign, [DAY], required=False)
    assert not advisory.required


def test_a_row_with_two_problems_is_one_failure() -> None:
    (result,) = check_schema(SNAPSHOT, frame([row(status="X", priority="Y")]), [DAY])
    assert result.failures == 1
    assert "status" in result.sample[0]["problem"]
    assert "priority" in result.sample[0]["problem"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda f: f.drop("team"),
        lambda f: f.with_columns(extra=1),
        lambda f: f.with_columns(pl.col("event_count").cast(pl.Int32)),
        lambda f: f.with_columns(pl.col("opened_at").dt.replace_time_zone(None)),
        lambda f: f.select(sorted(f.columns)),
        lambda f: f.with_columns(pl.lit(None, dtype=pl.Date).alias("snapshot_date")),
        lambda f: f.with_columns(pl.lit(date(1999, 1, 1)).alias("snapshot_date")),
        lambda f: f.drop("snapshot_date"),
    ],
)
def test_what_concerns_the_whole_frame_fails_every_partition(broken: Any) -> None:
    results = check_schema(SNAPSHOT, broken(frame([row(), row(snapshot_date=NEXT)])), [DAY, NEXT])
    assert [r.status for r in results] == [CheckStatus.FAILED, CheckStatus.FAILED]


def test_a_lazy_frame_is_refused() -> None:
    with pytest.raises(InvariantBroken, match="eager"):
        check_schema(SNAPSHOT, frame([row()]).lazy(), [DAY])  # type: ignore[arg-type]


def test_a_key_with_many_rows_is_one_failure() -> None:
    rows = [row(), row(), row(), row(case_id="C-2"), row(snapshot_date=NEXT)]
    first, second = check_unique_key(SNAPSHOT, frame(rows), [DAY, NEXT])
    assert (first.failures, first.sample) == (1, ({"snapshot_date": "2026-03-02", "case_id": "C-1", "rows": "3"},))
    assert second.status is CheckStatus.PASSED


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_counts_are_exact_and_samples_capped(rows: list[tuple[int, bool]]) -> None:
    days = dates(4)
    made = [
        row(snapshot_date=days[day], case_id=f"C-{n}", status="BAD" if bad else "OPEN")
        for n, (day, bad) in enumerate(rows)
    ]
    results = check_schema(SNAPSHOT, frame(made), days)
    assert [r.failures for r in results] == [sum(bad for at, bad in rows if at == day) for day in range(4)]
    assert all(len(r.sample) == min(r.failures, 10) for r in results)


def test_what_a_failure_read_is_stable_and_independent_of_row_order() -> None:
    rows = [row(case_id=f"C-{n}", status="BAD") for n in range(20)]
    (one,) = check_schema(SNAPSHOT, frame(rows), [DAY])
    (other,) = check_schema(SNAPSHOT, frame(reversed(rows)), [DAY])
    (fewer,) = check_schema(SNAPSHOT, frame(rows[1:]), [DAY])
    assert one.reads == other.reads != fewer.reads


def test_thousands_of_partitions_are_judged_in_one_pass() -> None:
    days = dates(5_000)
    one = frame([row()])
    many = pl.concat([one.drop("snapshot_date").join(pl.DataFrame({"snapshot_date": days}), how="cross")])
    started = time.monotonic()
    results = check_schema(SNAPSHOT, many.select(one.columns), days)
    assert len(results) == 5_000
    assert all(r.status is CheckStatus.PASSED for r in results)
    assert time.monotonic() - started < 5


def test_what_cannot_be_judged_is_missing_and_rests_on_what_the_schema_check_read() -> None:
    schema = check_schema(SNAPSHOT, frame([row()]).drop("team"), [DAY, NEXT])
    assert not_judged(schema, {"unique_key": True, "presence": False}) == tuple(
        CheckResult(
            name,
            day,
            required,
            CheckStatus.MISSING,
            detail="not judged: the rows do not have the contract's columns",
            reads=failed.reads,
        )
        for day, failed in zip((DAY, NEXT), schema, strict=True)
        for name, required in (("unique_key", True), ("presence", False))
    )
    assert schema[0].reads
