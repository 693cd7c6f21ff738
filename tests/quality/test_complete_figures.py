"""A date passes only if every fact that its sources counted is in the figures, whatever became of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.sql import load
from casegold.quality import outside
from casegold.quality.verdict import GateStatus, verdict
from tests.quality import gathered
from tests.quality.gathered import CONTRACT, judge
from tests.quality.mixes import Mix, mix

JUDGED = replace(
    CONTRACT,
    checks=tuple(c for c in CONTRACT.checks if c.name in ("completeness", outside.REJECTED, outside.CONFLICTS)),
)


def statuses(history: Mix) -> dict[date, GateStatus]:
    """The gate of each date by the three checks."""
    results = judge(history.seen, JUDGED, history.waivers)
    found = verdict(JUDGED, results, history.seen.days, history.waivers)
    return {judged.partition: judged.status for judged in found.partitions}


def wrongly_passed(history: Mix) -> set[date]:
    """Dates that PASSED though a counted fact is not in their figures, or is disputed."""
    found = statuses(history)
    return {day for day, status in found.items() if status is GateStatus.PASSED} & (
        history.incomplete | history.disputed
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_no_date_passes_without_a_counted_fact(seed: int) -> None:
    assert wrongly_passed(mix(seed)) == set()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_a_date_about_which_nothing_went_wrong_passes(seed: int) -> None:
    history = mix(seed)
    found = statuses(history)
    assert {day for day in history.clean if found[day] is not GateStatus.PASSED} == set()


@dataclass(frozen=True)
class Clause:
    """A part of the rule in a SQL file, and what remains without it."""

    file: str
    text: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


CLAUSES = (
    Clause("completeness", "case when counts then 1 else 0 end as silver", "1 as silver"),
    Clause("completeness", "order by revision desc", "order by revision asc"),
    Clause("completeness", "full outer join", "inner join"),
    Clause("rejections", "r.source is null or d.source is not null", "d.source is not null"),
    Clause("rejections", "a.source = r.source and a.event_id = r.event_id", "a.source = r.source"),
    Clause("rejections", "(c.as_of is null or coalesce(p.emitted_at, p.kafka_timestamp) > c.as_of)", "c.as_of is null"),
    Clause("rejections", "having max(revision) > min(revision)", ""),
    Clause("rejections", "having count(distinct t.event_type) = (select count(*) from types)", ""),
    Clause("rejections", "r.ingest_seq <= j.close_seq", "r.ingest_seq < j.previous_close_seq"),
    Clause(
        "rejections",
        "where s.business_date = u.business_date and (u.source is null or s.source = u.source)",
        "where s.business_date = u.business_date and s.source = u.source",
    ),
    Clause("rejections_counts", "count(*) filter (where closes) as failures", "0 as failures"),
    Clause("conflicts", "j.business_date = c.effective_date or", ""),
    Clause("conflicts", "or j.business_date = c.recorded_date", ""),
)


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_each_clause_is_needed(clause: Clause, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clause.text in load("casegold.quality", clause.file)

    def weakened(package: str, name: str) -> str:
        text = load(package, name)
        return text.replace(clause.text, clause.instead) if name == clause.file else text

    monkeypatch.setattr(gathered, "load", weakened)
    assert any(wrongly_passed(mix(seed)) for seed in range(60))


@pytest.mark.parametrize("forgotten", ["completeness", outside.REJECTED, outside.CONFLICTS])
def test_each_check_is_needed(forgotten: str) -> None:
    contract = replace(JUDGED, checks=tuple(c for c in JUDGED.checks if c.name != forgotten))

    def passed_without(history: Mix) -> set[date]:
        results = [r for r in judge(history.seen, JUDGED, history.waivers) if r.check != forgotten]
        found = verdict(contract, results, history.seen.days, history.waivers)
        return {p.partition for p in found.partitions if p.status is GateStatus.PASSED} & (
            history.incomplete | history.disputed
        )

    assert any(passed_without(mix(seed)) for seed in range(60))


def test_a_missing_total_is_not_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "TYPES", ())
    assert any(wrongly_passed(mix(seed)) for seed in range(60))
