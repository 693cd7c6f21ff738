"""A small register: facts as silver rows in DuckDB, snapshots built from them the way a run does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from casegold.domain.calendar import BusinessCalendar, days
from products.case_daily_snapshot.build import build_states, chunks, find_affected_cases, snapshot_rows
from products.case_daily_snapshot.schema import no_rows
from tests.transform.oracle import Fact

INSTANT = pa.timestamp("us", tz="UTC")
DATA = pa.schema(
    [
        ("case_type", pa.string()),
        ("jurisdiction", pa.string()),
        ("priority", pa.string()),
        ("evidence_id", pa.string()),
        ("evidence_kind", pa.string()),
        ("assignee", pa.string()),
        ("team", pa.string()),
        ("escalation_level", pa.int32()),
        ("allowance_seconds", pa.int64()),
        ("deadline_at", INSTANT),
        ("decision", pa.string()),
        ("penalty_amount", pa.decimal128(18, 2)),
        ("currency", pa.string()),
    ]
)
SILVER = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.string()),
        ("event_type", pa.string()),
        ("case_id", pa.string()),
        ("occurred_at", INSTANT),
        ("effective_date", pa.date32()),
        ("sequence", pa.int64()),
        *DATA,
        ("corrected_event_id", pa.string()),
        ("correction_action", pa.string()),
        ("replacement_occurred_at", INSTANT),
        ("replacement_effective_date", pa.date32()),
    ]
)


@dataclass(frozen=True)
class Register:
    """One business time zone and one connection, used for many builds."""

    calendar: BusinessCalendar
    connection: duckdb.DuckDBPyConnection

    def ends(self, first: date, last: date) -> dict[date, datetime]:
        return {day: self.calendar.end_of(day) for day in days(first, last)}

    def silver(self, facts: Iterable[Fact]) -> pa.Table:
        return pa.Table.from_pylist([self._silver_row(fact) for fact in facts], schema=SILVER)

    def _silver_row(self, fact: Fact) -> dict[str, Any]:
        data = dict(fact.data)
        if data.get("penalty_amount") is not None:
            data["penalty_amount"] = Decimal(data["penalty_amount"])
        return {
            "source": fact.source,
            "event_id": fact.event_id,
            "event_type": fact.event_type,
            "case_id": fact.case_id,
            "occurred_at": fact.occurred_at,
            "effective_date": self.calendar.date_of(fact.occurred_at),
            "sequence": fact.sequence,
            "corrected_event_id": fact.target,
            "correction_action": fact.action,
            "replacement_occurred_at": fact.moved_to,
            "replacement_effective_date": fact.moved_to and self.calendar.date_of(fact.moved_to),
            **data,
        }

    def use(self, facts: Iterable[Fact]) -> None:
        """Make `facts` the register's silver rows, with all cases affected."""
        self.connection.register("admitted_facts", self.silver(facts))
        self.connection.execute("create or replace temp view silver_facts as from admitted_facts")

    def build(
        self, facts: Iterable[Fact], first: date, last: date, *, previous: pa.Table | None = None, max_rows: int = 1000
    ) -> pa.Table:
        """The snapshots of a run over `first` to `last`; with `previous` rows only affected cases are folded."""
        ends = self.ends(first - timedelta(days=1), last)
        names = {"business_date": pa.array(ends, pa.date32()), "end_at": pa.array(ends.values(), INSTANT)}
        self.connection.register("business_days", pa.table(names))
        self.connection.register("previous_rows", no_rows() if previous is None else previous)
        self.connection.register("admitted_facts", self.silver(facts))
        find_affected_cases(self.connection, None if previous is None else first, last)
        self.connection.execute(
            "create or replace temp view silver_facts as "
            "select * from admitted_facts semi join affected_cases using (case_id)"
        )
        build_states(self.connection)
        ranges = chunks(self.connection, first, last, max_rows=max_rows)
        return pa.concat_tables([snapshot_rows(self.connection, start, end) for start, end in ranges])


def of_date(rows: pa.Table, day: date) -> pa.Table:
    return rows.filter(pc.equal(rows["snapshot_date"], pa.scalar(day)))


def before(rows: pa.Table, day: date) -> pa.Table:
    return rows.filter(pc.less(rows["snapshot_date"], pa.scalar(day)))


def in_steps(register: Register, facts: Sequence[Fact], first: date, last: date, cuts: Iterable[date]) -> pa.Table:
    """The snapshots of several runs, each of which begins at a cut and carries the rows of the one before."""
    starts = sorted({first, *(cut for cut in cuts if first < cut <= last)})
    ends = [start - timedelta(days=1) for start in starts[1:]] + [last]
    rows = no_rows()
    for start, end in zip(starts, ends, strict=True):
        previous = None if start == first else of_date(rows, start - timedelta(days=1))
        rows = pa.concat_tables([rows, register.build(facts, start, end, previous=previous)])
    return rows
