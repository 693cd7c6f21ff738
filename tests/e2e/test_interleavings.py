"""Events on time, late, twice, corrected and corrected again, in any order and any batches: each version is right.

After every batch the official figures are those of the facts known by then; at the end they are those of one pass over
the final truth, whatever the way there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.events import (
    DEFAULT_SOURCE,
    CaseCorrected,
    CaseEvent,
    CorrectionAction,
    EventType,
    Replacement,
    ReplacementData,
)
from casegold.domain.payload import payload_json
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate
from casegold.source.totals import Tally
from tests.conftest import own_database, own_topics
from tests.e2e.installation import SNAPSHOT, Installation, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 3, 28), date(2024, 4, 2)
"""Six dates around the change of the clocks, fewer than the grace window: everything restates by itself."""
EMITTED = datetime(2024, 4, 10, 12, tzinfo=UTC)
OVERRIDES = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
}


@dataclass(frozen=True)
class Story:
    """Events in the batches in which they are sent; the same event may be in several."""

    batches: tuple[tuple[CaseEvent, ...], ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    plan = Plan(draw(st.integers(4, 10)), 6, draw(st.integers(0, 1000)), LAST, CALENDAR)
    events = [sent.event for sent in simulate(plan) if sent.event is not None]
    for number in range(draw(st.integers(0, 5))):
        events.append(draw(corrections(f"correction-{number}", events)))
    again = draw(st.lists(st.sampled_from(events), max_size=6))
    sent = draw(st.permutations([*events, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=2)))
    bounds = [0, *cuts, len(sent)]
    return Story(tuple(tuple(sent[a:b]) for a, b in pairwise(bounds)))


@st.composite
def corrections(draw: st.DrawFn, name: str, events: list[CaseEvent]) -> CaseEvent:
    """Takes an event back, itself perhaps a correction, or moves a piece of evidence to another time."""
    evidence = [event for event in events if event.type is EventType.EVIDENCE_RECEIVED]
    replaces = draw(st.booleans()) and evidence
    target = draw(st.sampled_from(evidence if replaces else events))
    moment = st.integers(0, 6 * 24 * 60 - 1).map(
        lambda minute: CALENDAR.end_of(FIRST - timedelta(days=1)) + timedelta(minutes=minute)
    )
    replacement = Replacement(draw(moment), ReplacementData(evidence_id=name, kind="scan")) if replaces else None
    data = CaseCorrected(
        corrected_event_id=target.id,
        action=CorrectionAction.REPLACE if replaces else CorrectionAction.RETRACT,
        reason="wrong",
        replacement=replacement,
    )
    return CaseEvent(
        source=DEFAULT_SOURCE,
        id=name,
        type=EventType.CASE_CORRECTED,
        case_id=target.case_id,
        occurred_at=draw(moment),
        emitted_at=EMITTED,
        data=data,
        data_json=payload_json(data),
    )


@pytest.mark.usefixtures("servers")
@hypothesis_settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories())
def test_every_version_is_right_for_what_was_known(servers: Settings, story: Story) -> None:
    ends = {day: CALENDAR.end_of(day) for day in days(FIRST, LAST)}
    with (
        TemporaryDirectory() as home,
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(servers, Path(home), monkeypatch, OVERRIDES) as database,
        own_topics(database) as settings,
    ):
        installation = Installation(settings)
        known: dict[str, CaseEvent] = {}
        for number, batch in enumerate(story.batches, start=1):
            emitted = EMITTED + timedelta(hours=number)
            for event in batch:
                known.setdefault(event.id, msgspec.structs.replace(event, emitted_at=emitted))
            send(settings, [known[event.id] for event in batch], list(known.values()), emitted, number)
            installation.work()
            note(f"batch {number}: {[event.id for event in batch]}")
            assert installation.platform.control.rows("select reason from hold where released_at is null") == []
            assert installation.rows(SNAPSHOT, FIRST, LAST) == snapshots(facts_of(known.values()), ends)


def send(settings: Settings, batch: list[CaseEvent], known: list[CaseEvent], emitted: datetime, revision: int) -> None:
    """The batch, then what the source has counted by then."""
    tally = Tally(DEFAULT_SOURCE, CALENDAR)
    for event in known:
        tally.add(event)
    with RecordSender(settings.kafka_config()) as sender:
        for event in batch:
            send_event(sender, settings.events_topic, event, Encoding.BINARY, DEFAULT_SOURCE)
        sender.flush()
        for total in tally.totals(FIRST, LAST, as_of=emitted + timedelta(minutes=30), revision=revision):
            sender.send(settings.totals_topic, total.key(), total.value())
