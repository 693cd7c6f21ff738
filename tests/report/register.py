"""A small register for the report: cases living from day to day, their snapshot rows, their figures by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

import duckdb
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar, days, month_end
from products.enforcement_report.build import build_report
from tests.quality.rows import SNAPSHOT, row

MONTH = date(2026, 2, 1)
EVE = date(2026, 1, 31)
CALENDAR = BusinessCalendar("UTC")
Rows = list[dict[str, Any]]
Key = tuple[str, str, str, str]


def instant(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


@dataclass
class Case:
    """A case and what happens to it: (date, what, value). Days run from the eve to the month's end."""

    case_id: str
    opened_on: date
    acts: Sequence[tuple[date, str, Any]] = ()
    case_type: str = "FRAUD"
    jurisdiction: str = "NL"
    fields: dict[str, Any] = field(default_factory=dict)

    def rows(self, first: date = EVE) -> Rows:
        return [self._row(day) for day in days(max(first, self.opened_on), month_end(MONTH))]

    def _row(self, day: date) -> dict[str, Any]:
        state: dict[str, Any] = {"opened_at": instant(self.opened_on, 1)}
        for at, what, value in self.acts:
            if at > day:
                continue
            if what == "close":
                state.setdefault("closed_at", instant(at, 20))
            elif what == "reopen":
                for name in ("closed_at", "decision", "decision_at", "penalty_amount", "currency"):
                    state.pop(name, None)
            elif what == "level":
                state["escalation_level"] = value
            elif what == "team":
                state["team"] = value
            elif what == "breach":
                state.setdefault("breached_at", instant(at))
            elif what == "decide":
                amount, currency, hour = value
                state |= {"decision": "FINED", "decision_at": instant(at, hour)}
                state |= {"penalty_amount": amount, "currency": currency if amount is not None else None}
        closed = state.get("closed_at") is not None
        status = "CLOSED" if closed else "DECIDED" if state.get("decision") else "OPEN"
        return row(
            snapshot_date=day,
            case_id=self.case_id,
            case_type=self.case_type,
            jurisdiction=self.jurisdiction,
            status=status,
            breached=state.get("breached_at") is not None,
            **state,
        )


def build(rows: Rows, calendar: BusinessCalendar = CALENDAR) -> pa.Table:
    """The report of these snapshot rows."""
    table = pa.Table.from_pylist(rows, schema=pa.schema(SNAPSHOT.arrow_schema()))
    with duckdb.connect() as connection:
        connection.register("all_rows", table)
        first = MONTH.isoformat()
        connection.execute(f"create temp view snapshot_rows as from all_rows where snapshot_date >= date '{first}'")
        connection.execute(f"create temp view previous_month_end as from all_rows where snapshot_date < date '{first}'")
        return build_report(connection, MONTH, calendar)


def figures(table: pa.Table) -> dict[Key, Decimal | None]:
    return {(r["dimension"], r["dimension_value"], r["measure"], r["unit"]): r["value"] for r in table.to_pylist()}


def by_hand(rows: Rows) -> dict[Key, Decimal | None]:
    """The figures as docs/enforcement-report.md tells them, one case at a time."""
    start = instant(MONTH, 0)
    lives: dict[str, Rows] = defaultdict(list)
    for one in sorted(rows, key=lambda r: r["snapshot_date"]):
        lives[one["case_id"]].append(one)
    found: dict[tuple[str, str], list[dict[str, Any]]] = {("TOTAL", ""): []}
    for life in lives.values():
        told = _case_by_hand(life, start)
        last = life[-1]
        groups = (
            ("TOTAL", ""),
            ("CASE_TYPE", last["case_type"]),
            ("JURISDICTION", last["jurisdiction"]),
            ("TEAM", last["team"] or ""),
        )
        for group in groups:
            found.setdefault(group, []).append(told)
    return {key: value for group, cases in found.items() for key, value in _group_by_hand(group, cases)}


def _case_by_hand(life: Rows, start: datetime) -> dict[str, Any]:
    last = life[-1]
    new = last["opened_at"] >= start
    if life[0]["snapshot_date"] < MONTH:
        eve, month = life[0], life[1:]
    elif new:
        eve, month = {"closed_at": None, "escalation_level": 0}, life
    else:
        closed = life[0]["closed_at"]
        eve = {
            "closed_at": closed if closed is not None and closed < start else None,
            "escalation_level": life[0]["escalation_level"],
        }
        month = life
    told: dict[str, Any] = defaultdict(int)
    told["OPEN_AT_START"] = int(not new and eve["closed_at"] is None)
    told["OPENED"] = int(new)
    before: dict[str, Any] = eve
    for today in month:
        if today["closed_at"] != before["closed_at"]:
            told["CLOSED"] += today["closed_at"] is not None
            told["REOPENED"] += before["closed_at"] is not None
        if today["escalation_level"] > before["escalation_level"]:
            told["ESCALATED"] = 1
        before = today
    told["OPEN_AT_END"] = int(last["closed_at"] is None)
    told["BREACHED"] = int(last["breached_at"] is not None and (new or last["breached_at"] >= start))
    if last["decision_at"] is not None and (new or last["decision_at"] >= start):
        told["DECIDED"] = 1
        told["took"] = max(last["decision_at"] - last["opened_at"], timedelta(0))
        told["penalty"] = (last["currency"], last["penalty_amount"])
    return told


COUNTS = ("OPEN_AT_START", "OPENED", "REOPENED", "CLOSED", "OPEN_AT_END", "ESCALATED", "BREACHED", "DECIDED")


def _group_by_hand(group: tuple[str, str], cases: list[dict[str, Any]]) -> Iterable[tuple[Key, Decimal | None]]:
    for measure in COUNTS:
        yield (*group, measure, "cases"), Decimal(sum(case[measure] for case in cases))
    took = [Decimal(case["took"] // timedelta(microseconds=1)) for case in cases if case["DECIDED"]]
    middle = median(took) / 86_400_000_000 if took else None
    rounded = None if middle is None else middle.quantize(Decimal("0.01"), ROUND_HALF_UP)
    yield (*group, "MEDIAN_DAYS_TO_DECISION", "days"), rounded
    sums: dict[str, Decimal] = {}
    for case in cases:
        currency, amount = case["penalty"] or ("", None)
        if currency and amount is not None:
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    for currency, amount in sums.items():
        yield (*group, "PENALTIES", currency), amount
