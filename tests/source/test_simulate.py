"""The simulated case system: deterministic, in order of sending, within its range, counted rightly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseCorrected, CaseEvent, EventType, Rejection
from casegold.domain.identity import content_digest
from casegold.source.codec import Encoding, KafkaRecord, decode, encode
from casegold.source.simulate import Plan, Sent, simulate
from casegold.source.totals import Tally

CALENDAR = BusinessCalendar("Europe/Amsterdam")
# The range holds the night on which the clocks go forward.
PLAN = Plan(cases=300, days=40, seed=7, until=date(2026, 4, 10), calendar=CALENDAR, duplicates=0.05, late=0.05)
DISTURBED = replace(PLAN, conflicting=0.05, poison=0.05, out_of_order=0.1)


def events(records: list[Sent]) -> list[CaseEvent]:
    return [record.event for record in records if record.event is not None]


def test_the_same_plan_gives_the_same_records_and_another_seed_other_ids() -> None:
    assert list(simulate(DISTURBED)) == list(simulate(DISTURBED))
    mine, other = ({event.id for event in events(list(simulate(plan)))} for plan in (PLAN, replace(PLAN, seed=8)))
    assert not mine & other


def test_records_come_in_order_of_sending_and_within_the_range() -> None:
    sent = events(list(simulate(PLAN)))
    assert [event.emitted_at for event in sent] == sorted(event.emitted_at for event in sent)
    assert {EventType(event.type) for event in sent} == set(EventType)
    for event in sent:
        assert PLAN.first <= CALENDAR.date_of(event.occurred_at) <= PLAN.until
        assert event.occurred_at <= event.emitted_at <= PLAN.as_of


def test_every_event_survives_the_codec_and_poison_does_not() -> None:
    for sent in simulate(DISTURBED):
        if sent.event is None:
            poison = KafkaRecord("t", 0, 0, datetime.now(UTC), sent.key, sent.poison)
            outcome = decode(poison, default_source=PLAN.source)
            assert isinstance(outcome, Rejection)
            assert outcome.occurred_at is None
            continue
        coded = encode(sent.event, Encoding.PLAIN, default_source=PLAN.source)
        record = KafkaRecord("t", 0, 0, datetime.now(UTC), coded.key, coded.value)
        assert decode(record, default_source=PLAN.source) == sent.event


def test_duplicates_and_conflicts_are_not_counted() -> None:
    records = list(simulate(DISTURBED))
    counted = [record.event for record in records if record.counted and record.event is not None]
    assert len({event.id for event in counted}) == len(counted)
    digests = {event.id: content_digest(event) for event in counted}
    uncounted = [record.event for record in records if not record.counted and record.event is not None]
    conflicting = [event for event in uncounted if content_digest(event) != digests[event.id]]
    assert conflicting
    assert len(conflicting) < len(uncounted)
    assert all(event.emitted_at > PLAN.as_of for event in conflicting)


def test_each_contradiction_is_settled_where_asked_for() -> None:
    settled = replace(DISTURBED, duplicates=0.0, conflicting=0.2, settled=True)
    counted: dict[str, str] = {}
    contradicted, corrected = [], []
    for record in simulate(settled):
        if record.event is None:
            continue
        if record.counted:
            counted[record.event.id] = content_digest(record.event)
        elif isinstance(record.event.data, CaseCorrected):
            corrected.append(record.event.data.corrected_event_id)
        elif counted[record.event.id] != content_digest(record.event):
            contradicted.append(record.event.id)
    assert contradicted == corrected != []


def test_disturbances_change_no_event() -> None:
    quiet = {event.id for event in events(list(simulate(PLAN)))}
    assert {event.id for event in events(list(simulate(replace(PLAN, duplicates=0.5, poison=0.5))))} == quiet


def test_totals_cover_every_date_and_type_zeros_included() -> None:
    tally = Tally(PLAN.source, CALENDAR)
    expected: Counter[tuple[date, str]] = Counter()
    for event in {event.id: event for event in events(list(simulate(PLAN)))}.values():
        tally.add(event)
        expected[CALENDAR.date_of(event.occurred_at), event.type.value] += 1
    totals = list(tally.totals(PLAN.first, PLAN.until, as_of=PLAN.as_of, revision=1, wrong=PLAN.until))
    assert len(totals) == 40 * len(EventType)
    for total in totals:
        wrong = total.business_date == PLAN.until
        assert total.count == expected[total.business_date, total.event_type] + wrong


@pytest.mark.parametrize("changes", [{"cases": 0}, {"days": 0}, {"late": 1.5}])
def test_an_impossible_plan_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        replace(PLAN, **changes)
