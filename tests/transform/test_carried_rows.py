"""A case without new facts keeps its row, and only what time alone changes moves on."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from casegold.domain.calendar import BusinessCalendar, days
from products.case_daily_snapshot.schema import SNAPSHOT_SCHEMA
from tests.transform.life import FIRST, REGISTER, Life, at
from tests.transform.register import Register, in_steps

MOVING = {"snapshot_date", "clock_consumed_seconds", "breached", "breached_at"}
LAST = FIRST + timedelta(days=3)


def carried(life: Life) -> list[dict[str, Any]]:
    """The rows of four dates, each carried from the one before."""
    rows: list[dict[str, Any]] = in_steps(REGISTER, life.facts, FIRST, LAST, days(FIRST, LAST)).to_pylist()
    return rows


LIVES = {
    "without a clock": Life().opened(1),
    "running without an allowance": Life().opened(1).started(2.0001),
    "running, breached before": Life().opened(1).started(2, allowance=1),
    "running, breached later": Life().opened(1).started(2.0001, allowance=50),
    "running, breached at the end of a date": Life().opened(1).started(2, allowance=46),
    "running again, breached before": Life().opened(1).started(2, allowance=1).started(5, allowance=60),
    "paused, breached before": Life().opened(1).started(2, allowance=1).paused(5),
    "paused": Life().opened(1).started(2, allowance=8).paused(5),
    "stopped, breached before": Life().opened(1).started(2, allowance=1).decided(5, penalty_amount="1.50"),
    "everything": Life()
    .opened(1)
    .fact("EvidenceReceived", 2, evidence_id="x", evidence_kind="y")
    .fact("CaseAssigned", 3, assignee="ann", team="red")
    .fact("CaseEscalated", 4, escalation_level=2)
    .decided(5, penalty_amount="2.50", currency="EUR")
    .closed(6),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_carried_rows_are_those_from_scratch(life: Life) -> None:
    assert carried(life) == life.rows(days=4)


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_all_other_columns_stay(life: Life) -> None:
    first, *others = [
        {name: row[name] for name in SNAPSHOT_SCHEMA.names if name not in MOVING} for row in carried(life)
    ]
    assert others == [first] * 3


def test_a_breach_without_a_fact_appears_in_a_carried_row() -> None:
    rows = carried(LIVES["running, breached later"])
    assert [row["breached"] for row in rows] == [False, False, True, True]
    assert rows[3]["breached_at"] == rows[0]["clock_deadline_at"]


def test_a_clock_runs_as_long_as_its_date_lasts() -> None:
    """29 March 2026 has 23 hours in Amsterdam."""
    register = Register(BusinessCalendar("Europe/Amsterdam"), duckdb.connect(config={"threads": 1}))
    first, last = date(2026, 3, 28), date(2026, 3, 30)
    rows: pa.Table = in_steps(register, Life().opened(1).started(2).facts, first, last, days(first, last))
    counted = rows["clock_consumed_seconds"].to_pylist()
    assert [later - earlier for earlier, later in pairwise(counted)] == [23 * 3600, 24 * 3600]


def test_a_case_that_a_late_retraction_removes_is_not_carried() -> None:
    life = Life().opened(1, name="o")
    built = REGISTER.build(life, FIRST, FIRST)
    late = life.opened(30, name="o2").retracted(31, "o2").closed(32)
    rows = REGISTER.build(late, FIRST + timedelta(days=1), LAST, previous=built).to_pylist()
    assert [(row["status"], row["event_count"]) for row in rows] == [("CLOSED", 2)] * 3
    assert at(32) == rows[0]["closed_at"]


def test_a_count_of_weeks_carries_exactly() -> None:
    life, last = Life().opened(1).started(2.0001, allowance=1000), FIRST + timedelta(days=29)
    rows = in_steps(REGISTER, life.facts, FIRST, last, [last])
    assert rows.to_pylist() == life.rows(days=30)
