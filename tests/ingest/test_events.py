"""Case events from Kafka to silver: every record becomes exactly one thing, and what stands is what came first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from confluent_kafka import Consumer, Message

from casegold.domain.events import DEFAULT_SOURCE
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoded, Encoding
from tests.ingest.events import (
    DAY,
    assert_accounted,
    commits,
    correction,
    dirty_dates,
    event,
    put,
    record_of,
    retyped,
    send_events,
    silver,
)
from tests.ingest.register import next_attempt, read, rows

NEXT = DAY + timedelta(days=1)


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _conflicts(platform: Platform) -> list[tuple[str, str, int | None]]:
    found = platform.control.rows("select event_id, state, settled_seq from event_conflict order by kafka_offset")
    return [(row["event_id"], row["state"], row["settled_seq"]) for row in found]


def _close(platform: Platform, first: date, count: int) -> None:
    with platform.control.write("by a test") as connection:
        connection.execute(
            "insert into day_close (business_date, previous_date, barrier, signals, close_seq, totals_seq)"
            " select %(first)s::date + n, case when n > 0 then %(first)s::date + n - 1 end, '[]', '[]', 0, 0"
            " from generate_series(0, %(count)s - 1) n order by n",
            {"first": first, "count": count},
        )


def test_the_three_encodings_become_the_same_fact(platform: Platform) -> None:
    send_events(platform, [record_of(event("e1"), encoding) for encoding in Encoding])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["duplicates"]) == (1, 2)
    fact = silver(platform)["e1"]
    assert (fact["source"], fact["case_id"], fact["reason"]) == (DEFAULT_SOURCE, "c1", "done")
    assert (fact["effective_date"], fact["dirty_from"], fact["ingest_seq"]) == (DAY, DAY, 1)
    assert_accounted(platform)
    assert next_attempt(platform, SILVER) is None


def test_a_fact_counts_once_within_a_chunk_across_partitions_and_across_runs(platform: Platform) -> None:
    put(platform, 2, [event("e1")])
    put(platform, 0, [event("e1"), event("e1"), event("e2")])
    assert read(platform, SILVER).summary["duplicates"] == 2
    assert silver(platform)["e1"]["kafka_partition"] == 0
    put(platform, 1, [event("e2"), event("e3"), event("e1")])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["duplicates"]) == (1, 2)
    assert {name: fact["ingest_seq"] for name, fact in silver(platform).items()} == {"e1": 1, "e2": 1, "e3": 2}
    assert_accounted(platform)


def test_the_first_record_stands_and_the_same_contradiction_is_told_once(platform: Platform) -> None:
    first, other, third = event("e1"), event("e1", says="other"), event("e1", NEXT, says="third")
    send_events(platform, [first, other, other])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["conflicts"], outcome.summary["duplicates"]) == (1, 1, 1)
    send_events(platform, [other, third, first])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["conflicts"], outcome.summary["duplicates"]) == (0, 1, 2)
    assert silver(platform)["e1"]["reason"] == "done"
    assert _conflicts(platform) == [("e1", "OPEN", None), ("e1", "OPEN", None)]
    kept = platform.control.rows("select effective_date, recorded_date from event_conflict order by kafka_offset")
    assert [tuple(row.values()) for row in kept] == [(DAY, DAY), (NEXT, DAY)]
    assert [row["reason"] for row in rows(platform, REJECTED)] == ["CONFLICT", "CONFLICT"]
    assert_accounted(platform)


def test_a_correction_settles_the_conflicts_of_its_target(platform: Platform) -> None:
    send_events(platform, [event("e1"), event("e2"), event("e1", says="other"), event("e2", says="other")])
    read(platform, SILVER)
    send_events(platform, [correction("k1", "e1")])
    read(platform, SILVER)
    assert sorted(_conflicts(platform)) == [("e1", "SETTLED", 2), ("e2", "OPEN", None)]


def test_what_is_no_fact_is_kept_with_its_reason(platform: Platform) -> None:
    far = event("far", date(2999, 6, 1))
    refused: dict[str, Encoded] = {
        "UNDECODABLE": Encoded(b"k", b'{"id": "x", "id": "y"}', ()),
        "INVALID": retyped(event("i1"), time="yesterday"),
        "UNKNOWN_TYPE": retyped(event("i2"), type="CaseForgotten"),
        "UNKNOWN_VERSION": retyped(event("i3"), dataschema="urn:casegold:event:CaseClosed:2.0"),
        "BEFORE_FIRST_DATE": record_of(event("i4", date(1970, 1, 1))),
        "BEYOND_MAX_FUTURE": record_of(far),
    }
    early = correction("k1", "e1", to=date(1970, 1, 1))
    send_events(platform, [*refused.values(), early, correction("k2", "e1", to=date(2999, 1, 1)), event("e1")])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["rejected"]) == (1, 8)
    commit = commits(platform)[0]
    expected = dict.fromkeys(refused, 1) | {"BEFORE_FIRST_DATE": 2, "BEYOND_MAX_FUTURE": 2}
    assert commit["rejected_by_reason"] == expected
    kept = {(row["event_id"], row["reason"]): row for row in rows(platform, REJECTED)}
    assert kept["far", "BEYOND_MAX_FUTURE"]["effective_date"] == date(2999, 6, 1)
    assert kept["far", "BEYOND_MAX_FUTURE"]["value"] == record_of(far).value
    assert kept["i4", "BEFORE_FIRST_DATE"]["effective_date"] == date(1970, 1, 1)
    assert_accounted(platform)


def test_an_id_that_was_refused_is_still_free(platform: Platform) -> None:
    send_events(platform, [event("e1", date(1970, 1, 1)), event("e1")])
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["conflicts"]) == (1, 0)


def test_dead_letters_carry_the_record_and_where_it_came_from(platform: Platform) -> None:
    poison = Encoded(b"k", b"\xff", (("trace", b"\x00\xff"),))
    send_events(platform, [poison, event("e1"), event("e1", says="other")])
    read(platform, SILVER)
    consumer = Consumer({**platform.kafka_config, "group.id": "letters", "auto.offset.reset": "earliest"})
    consumer.subscribe([platform.settings.events_dlq_topic])
    letters: list[Message] = []
    try:
        while len(letters) < 2 and (found := consumer.consume(2, timeout=20)):
            letters += found
    finally:
        consumer.close()
    by_value = {letter.value(): dict(letter.headers() or ()) for letter in letters}
    headers = by_value[b"\xff"]
    (place,) = [row for row in rows(platform, BRONZE) if row["value"] == b"\xff"]
    assert headers["trace"] == b"\x00\xff"
    assert headers["__connect.errors.topic"] == platform.settings.events_topic.encode()
    assert headers["__connect.errors.partition"] == str(place["kafka_partition"]).encode()
    assert headers["__connect.errors.offset"] == str(place["kafka_offset"]).encode()
    assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"
    conflict = by_value[record_of(event("e1", says="other")).value]
    assert conflict["__connect.errors.exception.class.name"] == b"casegold.CONFLICT"
    assert [row["state"] for row in platform.control.rows("select state from effect_ledger")] == ["DONE"]


def test_late_facts_count_by_themselves_within_the_grace_and_are_held_beyond(platform: Platform) -> None:
    first = DAY - timedelta(days=19)
    _close(platform, first, 20)
    held_before = DAY - timedelta(days=7)
    send_events(
        platform,
        [
            event("fresh", NEXT),
            event("late", DAY),
            event("still", held_before),
            event("held", held_before - timedelta(days=1)),
            correction("moves", "fresh", NEXT, to=first),
        ],
    )
    outcome = read(platform, SILVER)
    assert (outcome.summary["accepted"], outcome.summary["late"], outcome.summary["held"]) == (5, 2, 3)
    held = platform.control.rows("select event_id, dirty_from, state from fact_admission order by event_id")
    # `fresh` waits, too: by the correction that moves it, it would change a date that is long official.
    assert [(row["event_id"], row["dirty_from"]) for row in held] == [
        ("fresh", first),
        ("held", held_before - timedelta(days=1)),
        ("moves", first),
    ]
    dates = platform.control.rows("select dirty_from, facts, late from ingest_dates order by 1")
    assert [tuple(row.values()) for row in dates] == [(held_before, 1, 1), (DAY, 1, 1)]
    (request,) = platform.control.rows("select * from backfill_request")
    assert (request["partition_from"], request["partition_to"]) == (first, DAY)


def test_a_held_correction_settles_nothing(platform: Platform) -> None:
    old = DAY - timedelta(days=12)
    send_events(platform, [event("e1", old), event("e1", old, says="other")])
    read(platform, SILVER)
    _close(platform, DAY - timedelta(days=19), 20)
    send_events(platform, [correction("k1", "e1")])
    assert read(platform, SILVER).summary["held"] == 1
    assert _conflicts(platform) == [("e1", "OPEN", None)]


def test_a_correction_dirties_every_date_at_which_its_target_may_stand(platform: Platform) -> None:
    early, before = DAY - timedelta(days=9), DAY - timedelta(days=4)
    send_events(platform, [event("e1", before), event("e2", DAY)])
    read(platform, SILVER)
    send_events(
        platform,
        [
            correction("k1", "e1", NEXT),  # a known target
            correction("k2", "e2", NEXT, to=early),  # moves it before its date
            correction("k3", "k2", NEXT),  # takes the move back: both places change
            correction("k4", "nobody", NEXT),  # may change nothing, today
            correction("k5", "later", NEXT, to=before),
        ],
    )
    read(platform, SILVER)
    send_events(platform, [event("later", DAY), event("nobody", NEXT)])
    read(platform, SILVER)
    assert dirty_dates(platform) == {
        "e1": before,
        "e2": DAY,
        "k1": before,
        "k2": early,
        "k3": early,
        "k4": NEXT,
        "k5": before,
        "later": before,
        "nobody": NEXT,
    }


def test_what_was_recorded_when_is_told(platform: Platform) -> None:
    begun = datetime.now(UTC)
    send_events(platform, [event("e1")])
    read(platform, SILVER)
    received, fact = rows(platform, BRONZE)[0], silver(platform)["e1"]
    assert begun <= received["ingested_at"] <= fact["recorded_at"] <= datetime.now(UTC)
    assert fact["topic_id"] == received["topic_id"]
