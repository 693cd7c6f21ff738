"""From which date on a fact changes figures, held to a plain reading of all facts at once, however they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, CaseEvent
from casegold.jobs.deduplication import KnownFacts
from casegold.jobs.ingest import SILVER
from casegold.runtime.contracts import load_contracts
from casegold.runtime.shipped import REPOSITORY
from casegold.transform.silver import Bounds, Candidate, read_chunk, silver_rows
from tests.ingest.events import DAY, correction, event

NAMES = [f"e{number}" for number in range(6)]
DAYS = st.integers(0, 9).map(lambda days: DAY + timedelta(days=days))


@cache
def _schema() -> pa.Schema:
    return load_contracts(REPOSITORY / "contracts" / "datasets", first_date=None)[SILVER].arrow_schema()


@st.composite
def _facts(draw: st.DrawFn) -> list[list[CaseEvent]]:
    """Chunks of facts with different ids: ordinary ones, and corrections of any of them, known or not, even cyclic."""
    facts = []
    for name in draw(st.permutations(NAMES)):
        target = draw(st.none() | st.sampled_from(NAMES))
        day = draw(DAYS)
        facts.append(event(name, day) if target is None else correction(name, target, day, to=draw(st.none() | DAYS)))
    cuts = sorted(draw(st.sets(st.integers(1, len(facts) - 1), max_size=3)))
    return [facts[start:end] for start, end in zip([0, *cuts], [*cuts, len(facts)], strict=True)]


def _candidates(chunk: Sequence[CaseEvent]) -> list[Candidate]:
    bounds = Bounds(date(2000, 1, 1), timedelta(days=20_000), frozenset({DEFAULT_SOURCE}))
    received = [datetime(2026, 6, 1, tzinfo=UTC)] * len(chunk)
    candidates, refused = read_chunk(chunk, received, lambda each: each, BusinessCalendar("UTC"), bounds)
    assert not refused
    return candidates


def _expected(fact: Candidate, known: dict[str, Candidate]) -> tuple[date, date]:
    """The latest date that is right: where the fact's target may stand or go. And the earliest that makes sense."""
    chain = [fact.event.id]
    while (each := known.get(chain[-1])) is not None and each.corrected is not None and each.corrected[1] not in chain:
        chain.append(each.corrected[1])
    concerned = [each for each in known.values() if each.corrected is not None and each.corrected[1] in chain]
    dates = {each.replacement_date for each in concerned if each.replacement_date is not None}
    root = known.get(chain[-1])
    if root is not None and root.corrected is None:
        dates.add(root.effective_date)
    sensible = dates | {known[name].effective_date for name in chain if name in known}
    return min(dates, default=fact.effective_date), min(sensible)


@given(_facts())
def test_no_date_that_a_fact_can_change_is_before_its_dirty_date(chunks: list[list[CaseEvent]]) -> None:
    silver = _schema().empty_table()
    known: dict[str, Candidate] = {}
    with duckdb.connect() as connection:
        for seq, chunk in enumerate(chunks, start=1):
            connection.register("silver_case_events", silver)
            facts = KnownFacts(connection, seq)
            accepted = facts.with_dirty_dates(facts.sort(_candidates(chunk), lambda _: set()).fresh)
            known |= {each.candidate.event.id: each.candidate for each in accepted}
            for each in accepted:
                latest, earliest = _expected(each.candidate, known)
                assert earliest <= each.dirty_from <= latest
            count = len(accepted)
            places = pa.table(
                {"topic_id": ["t"] * count, "kafka_partition": [0] * count, "kafka_offset": list(range(count))}
            )
            rows = silver_rows(accepted, places, seq, datetime(2026, 6, 1, tzinfo=UTC), _schema())
            silver = pa.concat_tables([silver, rows])
