"""The gate never closes on what the semantics of a case allow: any register's own snapshots pass."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings

from casegold.domain.calendar import days
from casegold.domain.sql import load
from casegold.quality.completeness import COLUMNS
from casegold.quality.results import CheckResult, CheckStatus
from products.case_daily_snapshot.checks import SnapshotSurroundings, check_snapshots
from tests.quality.rows import SNAPSHOT, frame, nothing_outside
from tests.transform.oracle import Fact, snapshots
from tests.transform.register import Register
from tests.transform.strategies import Window, registers

CONNECTION = duckdb.connect(config={"threads": 1})


def judge(window: Window, facts: list[Fact], rows: list[dict[str, Any]]) -> list[CheckResult]:
    register = Register(window.calendar, CONNECTION)
    CONNECTION.register("admitted", register.silver(facts))
    openings = pl.from_arrow(CONNECTION.execute(load("casegold.quality", "openings")).to_arrow_table())
    assert isinstance(openings, pl.DataFrame)
    corrected = {fact.target for fact in facts if fact.event_type == "CaseCorrected"}
    cases = {fact.case_id for fact in facts if fact.event_type == "CaseOpened" and fact.event_id in corrected}
    partitions = list(days(window.first, window.last))
    around = SnapshotSurroundings(
        previous_cases=None,
        corrected_openings=pl.Series(sorted(cases), dtype=pl.String),
        openings=openings,
        completeness=pl.DataFrame(schema=COLUMNS),
        event_types=(),
        **nothing_outside(partitions),
    )
    return list(check_snapshots(SNAPSHOT, frame(rows), partitions, window.calendar, around))


@settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(registers())
def test_the_snapshots_of_any_register_pass(case: tuple[Window, list[Fact]]) -> None:
    window, facts = case
    ends = Register(window.calendar, CONNECTION).ends(window.first, window.last)
    results = judge(window, facts, snapshots(facts, ends))
    wrong = [(r.check, r.detail, r.sample) for r in results if r.required and r.status is not CheckStatus.PASSED]
    assert wrong == []
