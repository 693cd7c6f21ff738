"""A replay sends the facts of a range once more, marked; it goes on where it stopped, and no figure changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from casegold.control.changes import approvals
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import DEFAULT_SOURCE, CaseEvent, EventType, ProcessingMode
from casegold.source.codec import KafkaRecord, decode
from tests.backfill.conftest import CALENDAR, LAST, Folk, state_of
from tests.crash.final_state import messages
from tests.crash.restarts import let_time_pass, one_life, restart_until_done
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command

SINCE = LAST - timedelta(days=4)
ENDS = ("before:kill", "after:kill", "after:lost_ack")
REPLAY_EFFECTS = ("replay-write", "replay-file", "replay-send", "replay-mark")


def begun(folk: Folk, rate: int = 100_000) -> str:
    """A replay to the topic of events that two people agreed on and that has begun."""
    asked = ("--mode", "REPLAY", "--reason", "a new consumer", "--as", folk.ann)
    command("backfill", "request", SNAPSHOT, SINCE, LAST, *asked)
    request = folk.open_request()
    topic = folk.installation.platform.settings.events_topic
    command("backfill", "plan", request, "--emit", topic, "--rate", rate, "--as", folk.ann)
    digest = approvals.find(folk.installation.platform.control, request).plan_digest
    command("backfill", "approve", request, "--digest", digest, "--as", folk.bob)
    command("backfill", "execute", request)
    return request


def replayed(installation: Installation) -> list[CaseEvent]:
    """Events of replays on the topic of events, by their source position."""
    found = []
    for message in messages(installation.platform, installation.platform.settings.events_topic):
        place = (message.topic(), message.partition(), message.offset())
        headers = tuple(message.headers() or ())
        event = decode(
            KafkaRecord(*place, datetime.now(UTC), message.key(), message.value(), headers),
            default_source=DEFAULT_SOURCE,
        )
        if isinstance(event, CaseEvent) and event.mode is ProcessingMode.REPLAY:
            found.append(event)
    return sorted(found, key=lambda event: [int(part) for part in (event.source_position or "").split(":")[1:]])


def assert_sent_once(installation: Installation, request: str) -> None:
    """Every event of the plan is on the topic; one that is there twice has the same position."""
    plan = approvals.find(installation.platform.control, request).plan
    assert plan is not None
    by_position = {event.source_position: event.id for event in replayed(installation)}
    assert len(by_position) == len(set(by_position.values())) == plan["events"] > 0
    assert {event.backfill_run_id for event in replayed(installation)} == {request}
    assert state_of(installation, request) == "COMPLETED"
    assert installation.version_numbers(SNAPSHOT) == [1]


def test_the_facts_of_a_range_are_sent_as_they_were(
    installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    request = begun(folk)
    installation.work()
    assert_sent_once(installation, request)
    sent = replayed(installation)
    known = {event.id: event for event in simulated}
    for event in sent:
        was = known[event.id]
        same = ("source", "type", "case_id", "occurred_at", "emitted_at", "sequence", "data_json", "data")
        assert [getattr(event, name) for name in same] == [getattr(was, name) for name in same]
    plain = {
        event.id
        for event in simulated
        if event.type is not EventType.CASE_CORRECTED and SINCE <= CALENDAR.date_of(event.occurred_at) <= LAST
    }
    assert {event.id for event in sent if event.type is not EventType.CASE_CORRECTED} == plain
    assert [event.occurred_at for event in sent] == sorted(event.occurred_at for event in sent)
    (ingested,) = installation.platform.control.rows(
        "select accepted, duplicates from ingest_commit where dataset = 'silver/case_events' order by seq desc limit 1"
    )
    assert (ingested["accepted"], ingested["duplicates"]) == (0, len(sent)), "our own ingest knows them"
    assert f"events: {len(sent)}" in command("backfill", "status", request)


@pytest.mark.sampled
@pytest.mark.parametrize("effect", REPLAY_EFFECTS)
def test_a_replay_that_dies_goes_on(installation: Installation, folk: Folk, effect: str) -> None:
    request = begun(folk, rate=40)
    disturbances = [f"{effect}.{end}" for end in ENDS]
    restart_until_done(installation.platform.control, disturbances)
    # A file is written and recorded once: whatever comes after its first success has nothing to write.
    assert disturbances == [] or effect in {"replay-write", "replay-file"}
    assert_sent_once(installation, request)


def test_a_paused_replay_sends_nothing_until_it_is_resumed(installation: Installation, folk: Folk) -> None:
    request = begun(folk, rate=20)
    assert one_life("replay-mark.after:kill").fired
    command("backfill", "pause", request, "--reason", "the consumer is down", "--as", folk.ann)
    sent = len(replayed(installation))
    assert sent == 20
    let_time_pass(installation.platform.control)
    installation.work()
    assert len(replayed(installation)) == sent
    command("backfill", "resume", request, "--reason", "it is up", "--as", folk.ann)
    let_time_pass(installation.platform.control)
    installation.work()
    assert_sent_once(installation, request)
    positions = [event.source_position for event in replayed(installation)]
    assert len(positions) == len(set(positions)), "nothing was sent twice"


def test_what_cannot_be_replayed_is_refused(installation: Installation, folk: Folk) -> None:
    asked = ("--mode", "REPLAY", "--reason", "a new consumer", "--as", folk.ann)
    command("backfill", "request", REPORT, "2024-02", *asked)
    request = folk.open_request()
    with pytest.raises(ConfigurationError, match="not made from facts"):
        command("backfill", "plan", request, "--emit", "anywhere", "--as", folk.ann)
    with pytest.raises(ConfigurationError, match="0 events a second is not allowed"):
        command("backfill", "request", SNAPSHOT, SINCE, LAST, *asked)
        (other,) = (
            each.backfill_run_id
            for each in approvals.requests(installation.platform.control, 10)
            if each.dataset == SNAPSHOT
        )
        command("backfill", "plan", other, "--emit", "anywhere", "--rate", 0, "--as", folk.ann)
