"""What Kafka does to a log - transactions, deletion, recreation - and what a person then has to decide."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from casegold.cli.source import source
from casegold.control.ingest.sources import accept_epoch, accept_loss
from casegold.domain.errors import ConfigurationError, ExitClass, SourceUnavailable
from casegold.jobs.batch_job import execute
from casegold.jobs.ingest import BRONZE, SILVER
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import Lake
from casegold.source import kafka
from casegold.source.kafka import OffsetRange, describe_topic, read_chunks
from tests.ingest.events import DAY, assert_accounted, event, put, record_of, send_events, silver, transactional
from tests.ingest.register import next_attempt, read, rows


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _ranges(platform: Platform) -> list[tuple[int, int, int, int, int, int]]:
    found = platform.control.rows(
        "select epoch, kafka_partition as p, end_offset - start_offset as n, records, non_records, lost"
        " from ingest_source_range where dataset = 'silver/case_events' order by epoch, p, start_offset"
    )
    return [(row["epoch"], row["p"], row["n"], row["records"], row["non_records"], row["lost"]) for row in found]


def _delete_before(platform: Platform, partition: int, offset: int) -> None:
    admin = AdminClient({**platform.kafka_config})
    topic = platform.settings.events_topic
    for deleted in admin.delete_records([TopicPartition(topic, partition, offset)]).values():
        deleted.result()


def _recreate(platform: Platform) -> None:
    admin = AdminClient({**platform.kafka_config})
    topic = platform.settings.events_topic
    for gone in admin.delete_topics([topic]).values():
        gone.result()
    for made in admin.create_topics([NewTopic(topic, 3, 1)]).values():
        made.result()


def test_aborted_records_and_markers_are_counted_as_no_records(platform: Platform) -> None:
    topic = platform.settings.events_topic
    producer = transactional(platform, "a")
    for name, commit in (("kept", True), ("dropped", False)):
        producer.begin_transaction()
        producer.produce(topic, record_of(event(name)).value, b"c1", 0)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    # The range ends with an aborted record and its marker: no record will ever tell that the end is reached.
    outcome = read(platform, SILVER)
    assert (outcome.summary["records"], outcome.summary["accepted"]) == (1, 1)
    assert _ranges(platform) == [(1, 0, 4, 1, 3, 0)]
    assert_accounted(platform)
    assert next_attempt(platform, SILVER) is None


def test_an_open_transaction_is_not_read_past(platform: Platform) -> None:
    topic = platform.settings.events_topic
    put(platform, 0, [event("before")])
    producer = transactional(platform, "open")
    producer.begin_transaction()
    producer.produce(topic, record_of(event("within")).value, b"c1", 0)
    producer.flush(30)
    put(platform, 0, [event("after")])
    read(platform, SILVER)
    assert set(silver(platform)) == {"before"}
    assert next_attempt(platform, SILVER) is None
    producer.commit_transaction(30)
    read(platform, SILVER)
    assert set(silver(platform)) == {"before", "within", "after"}
    assert_accounted(platform)


def test_a_range_of_nothing_but_aborted_records_ends(platform: Platform) -> None:
    topic = platform.settings.events_topic
    producer = transactional(platform, "b")
    producer.begin_transaction()
    for number in range(5):
        producer.produce(topic, record_of(event(f"e{number}")).value, b"c1", 0)
    producer.flush(30)
    producer.abort_transaction(30)
    put(platform, 0, [event("beyond")])
    (chunk,) = read_chunks(platform.kafka_config, topic, (OffsetRange(0, 0, 6, 0),), 100)
    assert chunk.records == []
    assert [(read_.start, read_.end, read_.non_records) for read_ in chunk.ranges] == [(0, 6, 6)]


def test_a_silent_broker_ends_the_read(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "STALL_SECONDS", 0.5)
    nowhere = {**platform.kafka_config, "bootstrap.servers": "127.0.0.1:1"}
    with pytest.raises(SourceUnavailable):
        list(read_chunks(nowhere, platform.settings.events_topic, (OffsetRange(0, 0, 1, 0),), 100))


def _told(*arguments: str) -> list[dict[str, Any]]:
    """What `casegold source ...` says, as programs read it."""
    done = CliRunner().invoke(source, [*arguments, "--format", "json"], catch_exceptions=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_deleted_offsets_stop_the_ingest_until_a_person_accepts_the_loss(platform: Platform) -> None:
    put(platform, 0, [event(f"e{number}") for number in range(10)])
    read(platform, SILVER)
    put(platform, 0, [event(f"e{number}", DAY + timedelta(days=1)) for number in range(10, 20)])
    _delete_before(platform, 0, 15)
    with pytest.raises(ConfigurationError, match="10 to 14 were deleted") as raised:
        next_attempt(platform, SILVER)
    assert raised.value.exit_class is ExitClass.CONFIGURATION
    topic = platform.settings.events_topic
    places = _told("status")
    assert next((each["lost_from"], each["lost_to"]) for each in places if each["topic"] == topic) == (10, 14)
    CliRunner().invoke(source, ["accept-loss", topic, "--reason", "retention was too short"], catch_exceptions=False)
    (lost,) = _told("losses")
    assert (lost["first_offset"], lost["last_offset"], lost["reason"]) == (10, 14, "retention was too short")
    read(platform, SILVER)
    assert _ranges(platform) == [(1, 0, 10, 10, 0, 0), (1, 0, 10, 5, 0, 5)]
    assert len(silver(platform)) == 15
    assert_accounted(platform)
    with pytest.raises(ConfigurationError, match="nothing is lost"):
        accept_loss(platform.control, SILVER, describe_topic(platform.kafka_config, topic), "again")


def test_offsets_deleted_after_the_plan_stop_the_run(platform: Platform) -> None:
    put(platform, 0, [event(f"e{number}") for number in range(10)])
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    _delete_before(platform, 0, 4)
    with pytest.raises(ConfigurationError, match="Kafka deleted offsets"):
        execute(platform, attempt.run_id, attempt.attempt, "test")
    with pytest.raises(ConfigurationError, match="0 to 3 were deleted"):
        next_attempt(platform, SILVER)
    state = describe_topic(platform.kafka_config, platform.settings.events_topic)
    assert accept_loss(platform.control, SILVER, state, "gone") == [(0, 0, 3)]
    read(platform, SILVER)
    assert _ranges(platform) == [(1, 0, 10, 6, 0, 4)]


def test_a_recreated_topic_stops_the_ingest_until_a_person_accepts_it(platform: Platform) -> None:
    topic = platform.settings.events_topic
    put(platform, 0, [event("e1"), event("e2")])
    read(platform, SILVER)
    state = describe_topic(platform.kafka_config, topic)
    with pytest.raises(ConfigurationError, match="is already read as epoch"):
        accept_epoch(platform.control, state, "for no reason")
    _recreate(platform)
    put(platform, 0, [event("e2"), event("e3"), event("e4")])
    with pytest.raises(ConfigurationError, match="another topic"):
        next_attempt(platform, SILVER)
    assert "another topic" in CliRunner().invoke(source, ["status"], catch_exceptions=False).output
    CliRunner().invoke(source, ["accept-epoch", topic, "--reason", "moved to a new cluster"], catch_exceptions=False)
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["duplicates"]) == (2, 1)
    assert _ranges(platform) == [(1, 0, 2, 2, 0, 0), (2, 0, 3, 3, 0, 0)]
    assert len(rows(platform, BRONZE)) == 5
    assert_accounted(platform)


def test_a_topic_recreated_after_the_plan_is_not_read_as_the_old_one(platform: Platform) -> None:
    send_events(platform, [event("e1")])
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    _recreate(platform)
    send_events(platform, [event("e2")])
    with pytest.raises(ConfigurationError, match="another topic"):
        execute(platform, attempt.run_id, attempt.attempt, "test")
    assert rows(platform, BRONZE) == []


def test_what_bronze_has_of_the_old_topic_is_finished_under_its_own_epoch(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Lake.append

    def append_and_die(self: Lake, *arguments: Any, **named: Any) -> None:
        append(self, *arguments, **named)
        raise RuntimeError("the process dies")

    send_events(platform, [event("e1")])
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Lake, "append", append_and_die)
        execute(platform, attempt.run_id, attempt.attempt, "test")
    _recreate(platform)
    send_events(platform, [event("e2")])
    accept_epoch(platform.control, describe_topic(platform.kafka_config, platform.settings.events_topic), "moved")
    read(platform, SILVER)
    assert {row["event_id"] for row in rows(platform, SILVER)} == {"e1", "e2"}
    assert [row[0] for row in _ranges(platform)] == [1, 2], "each under its epoch"
    assert_accounted(platform)
