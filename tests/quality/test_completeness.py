"""Arrived against counted: the SQL on real engines' rows, and the judgement of its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.sql import load
from casegold.quality.completeness import COLUMNS, check_completeness
from casegold.quality.results import CheckResult, CheckStatus
from tests.quality.rows import DAY, SNAPSHOT

SOURCE = "urn:regulator:case-system"
INSTANT = pa.timestamp("us", tz="UTC")
EVENT = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("event_type", pa.string()),
        ("effective_date", pa.date32()),
        ("emitted_at", INSTANT),
        ("reason", pa.string()),
        ("case_id", pa.string()),
    ]
)
TOTAL = pa.schema(
    [
        ("source", pa.string()),
        ("business_date", pa.date32()),
        ("event_type", pa.string()),
        ("count", pa.int64()),
        ("as_of", INSTANT),
        ("revision", pa.int64()),
    ]
)
AS_OF = datetime(2026, 3, 3, 1, tzinfo=UTC)
TYPES = ("CaseOpened", "CaseClosed")


def event(event_id: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "event_id": event_id,
        "event_type": "CaseOpened",
        "effective_date": DAY,
        "emitted_at": AS_OF - timedelta(hours=2),
        "reason": "INVALID",
        "case_id": "C-1",
    } | changes


def total(count: int, event_type: str = "CaseOpened", **changes: Any) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "business_date": DAY,
        "event_type": event_type,
        "count": count,
        "as_of": AS_OF,
        "revision": 1,
    } | changes


def compare(
    *,
    silver: Sequence[dict[str, Any]] = (),
    rejected: Sequence[dict[str, Any]] = (),
    conflicts: Sequence[dict[str, Any]] = (),
    totals: Sequence[dict[str, Any]],
    judged: Sequence[date] = (DAY,),
    accepted_elsewhere: Sequence[dict[str, Any]] = (),
) -> pl.DataFrame:
    with duckdb.connect() as connection:
        for name, rows, schema in (
            ("silver", silver, EVENT),
            ("accepted", [*silver, *accepted_elsewhere], EVENT),
            ("rejected", rejected, EVENT),
            ("open_conflicts", conflicts, EVENT),
            ("totals", totals, TOTAL),
        ):
            connection.register(name, pa.Table.from_pylist(list(rows), schema=schema))
        connection.register("judged", pa.table({"business_date": pa.array(judged, pa.date32())}))
        found = pl.from_arrow(connection.execute(load("casegold.quality", "completeness")).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    assert found.columns == list(COLUMNS)
    return found


def judge(**data: Any) -> CheckResult:
    (result,) = check_completeness(SNAPSHOT, compare(**data), [DAY], event_types=TYPES)
    return result


def test_accepted_rejected_and_conflicting_events_add_up_to_the_total() -> None:
    result = judge(
        silver=[event("a"), event("b")],
        rejected=[event("c")],
        conflicts=[event("a", case_id="C-2")],
        totals=[total(4), total(0, "CaseClosed")],
    )
    assert result.status is CheckStatus.PASSED
    assert result.detail == "1 rejected, 1 in open conflicts"


def test_a_lost_event_fails_and_names_its_total() -> None:
    result = judge(silver=[event("a")], totals=[total(2), total(0, "CaseClosed")])
    assert (result.status, result.failures) == (CheckStatus.FAILED, 1)
    assert result.sample[0] | {"as_of": ""} == {
        "source": SOURCE,
        "event_type": "CaseOpened",
        "expected": "2",
        "actual": "1",
        "silver": "1",
        "rejected": "0",
        "conflicts": "0",
        "revision": "1",
        "as_of": "",
    }


def test_more_events_than_counted_fail_too() -> None:
    result = judge(silver=[event("a"), event("b")], totals=[total(1), total(0, "CaseClosed")])
    assert result.status is CheckStatus.FAILED


def test_the_highest_revision_holds() -> None:
    old, new = total(7, revision=1), total(1, revision=2)
    zero = total(0, "CaseClosed")
    assert judge(silver=[event("a")], totals=[new, old, zero]).status is CheckStatus.PASSED
    assert judge(silver=[event("a")], totals=[total(7, revision=3), new, zero]).status is CheckStatus.FAILED


def test_what_was_sent_after_the_count_is_told_and_fails_nothing() -> None:
    late = event("late", emitted_at=AS_OF + timedelta(microseconds=1))
    on_time = event("a", emitted_at=AS_OF)
    result = judge(silver=[on_time, late], totals=[total(1), total(0, "CaseClosed")])
    assert result.status is CheckStatus.PASSED
    assert result.detail == "1 sent after the count, not yet covered"


def test_a_record_accepted_under_another_date_is_not_counted_under_its_own() -> None:
    other = event("moved", effective_date=DAY + timedelta(days=6))
    totals = [total(0), total(0, "CaseClosed")]
    result = judge(rejected=[event("moved")], accepted_elsewhere=[other], totals=totals)
    assert result.status is CheckStatus.PASSED, "whether or not that date is among those judged"


def test_a_record_rejected_twice_or_accepted_later_is_one_event() -> None:
    result = judge(
        silver=[event("upgraded")],
        rejected=[event("upgraded"), event("x"), event("x"), event(None), event(None)],
        totals=[total(4), total(0, "CaseClosed")],
    )
    assert result.status is CheckStatus.PASSED, result.sample


def test_conflicts_among_the_rejected_count_once_and_only_while_open() -> None:
    seen = event("a", reason="CONFLICT", case_id="C-2")
    zero = total(0, "CaseClosed")
    data = {"silver": [event("a")], "rejected": [seen]}
    assert judge(**data, conflicts=[seen, seen], totals=[total(2), zero]).status is CheckStatus.PASSED
    assert judge(**data, conflicts=[], totals=[total(1), zero]).status is CheckStatus.PASSED


def test_a_total_that_has_not_come_is_missing_and_not_a_pass() -> None:
    nothing = judge(silver=[event("a")], totals=[])
    assert (nothing.status, nothing.failures) == (CheckStatus.MISSING, 2)
    assert nothing.detail == "1 without a control total"
    one_type = judge(silver=[event("a")], totals=[total(1)])
    assert (one_type.status, one_type.sample) == (
        CheckStatus.MISSING,
        ({"source": SOURCE, "event_type": "CaseClosed"},),
    )
    assert nothing.reads != one_type.reads


def test_totals_of_another_source_do_not_stand_in_for_the_required_one() -> None:
    other = [total(0, kind, source="urn:other") for kind in TYPES]
    assert judge(totals=other).status is CheckStatus.MISSING


def test_a_quiet_day_needs_its_zeros() -> None:
    assert judge(totals=[total(0, kind) for kind in TYPES]).status is CheckStatus.PASSED


def test_each_date_is_judged_by_itself() -> None:
    other = DAY + timedelta(days=1)
    totals = [
        total(count, kind, business_date=day) for day in (DAY, other) for kind, count in zip(TYPES, (1, 0), strict=True)
    ]
    comparison = compare(silver=[event("a")], totals=totals, judged=[DAY, other])
    first, second = check_completeness(SNAPSHOT, comparison, [DAY, other], event_types=TYPES)
    assert (first.status, second.status) == (CheckStatus.PASSED, CheckStatus.FAILED)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(TYPES), st.booleans()), max_size=12),
    st.lists(st.tuples(st.sampled_from("defghi"), st.sampled_from(TYPES)), max_size=8),
)
def test_counting_what_a_source_sent_always_passes_and_one_off_never(
    accepted: list[tuple[str, str, bool]], turned_away: list[tuple[str, str]]
) -> None:
    silver = {name: (kind, late) for name, kind, late in accepted}
    rejected = dict(turned_away)
    sent = Counter(kind for kind, late in silver.values() if not late)
    sent.update(kind for name, kind in rejected.items() if name not in silver)
    data = {
        "silver": [
            event(name, event_type=kind, emitted_at=AS_OF + timedelta(hours=1 if late else -1))
            for name, (kind, late) in silver.items()
        ],
        "rejected": [event(name, event_type=kind) for name, kind in rejected.items() for _ in range(2)],
    }
    exact = [total(sent[kind], kind) for kind in TYPES]
    assert judge(**data, totals=exact).status is CheckStatus.PASSED
    assert judge(**data, totals=[total(sent[TYPES[0]] + 1), exact[1]]).status is CheckStatus.FAILED
