"""Every record of every topic once more, byte for byte: heard, counted as what it is, and without effect."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from confluent_kafka import Producer

from casegold.control.db import ControlDb
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from tests.backfill.test_asked_on_kafka import send as ask_on_kafka
from tests.backfill.test_asked_on_kafka import wish
from tests.crash.final_state import final_state, messages
from tests.crash.restarts import restart_until_done
from tests.crash.test_fail_points import OVERRIDES, load, send_broken_total, send_late
from tests.e2e.installation import Installation

WITHOUT_EFFECT = (
    "silver/case_events",
    "bronze/control_totals",
    "dirty",
    "held",
    "totals",
    "closed",
    "partitions",
    "versions",
    "holds",
    "requests",
    "announced",
    "heard",
)
"""What must be as it was. Bronze, positions and the ledgers show that the records were received."""


@pytest.fixture
def overrides() -> dict[str, str]:
    return OVERRIDES


def send_everything_again(platform: Platform) -> Counter[str]:
    """Each record to its own partition, with its own key, value, headers and timestamp; how many by topic."""
    producer = Producer({**platform.kafka_config, "enable.idempotence": True})
    sent: Counter[str] = Counter()
    for topic in platform.settings.topics():
        for message in messages(platform, topic):
            producer.produce(
                topic,
                key=message.key(),
                value=message.value(),
                headers=message.headers() or [],
                partition=message.partition(),
                timestamp=message.timestamp()[1],
            )
            sent[topic] += 1
    assert producer.flush(30) == 0
    return sent


def computed_runs(control: ControlDb) -> list[dict[str, Any]]:
    return control.rows("select run_id, state from run_manifest where pipeline in ('snapshot', 'report') order by 1")


def test_everything_once_more_changes_nothing(settings: Settings) -> None:
    control = ControlDb(settings.control_url())
    platform = open_platform(settings)
    load()
    restart_until_done(control, [])
    send_late(settings)
    send_broken_total(settings)
    ask_on_kafka(Installation(settings), "a1", wish())
    restart_until_done(control, [])
    before, runs = final_state(platform), computed_runs(control)
    (commits,) = control.rows("select max(seq) as last from ingest_commit where dataset = 'silver/case_events'")
    (told,) = control.rows("select count(*) as events, sum(duplicates)::int as duplicates from trigger_ledger")

    sent = send_everything_again(platform)
    assert all(sent[topic] for topic in settings.topics()), "each topic has something to repeat"
    restart_until_done(control, [])
    after = final_state(platform)
    for what in WITHOUT_EFFECT:
        assert after[what] == before[what], what
    assert after["topic"] == before["topic"]
    assert computed_runs(control) == runs

    (ledger,) = control.rows(
        "select sum(records)::int as records, sum(accepted)::int as accepted, sum(rejected)::int as rejected,"
        " sum(duplicates)::int as duplicates, sum(conflicts)::int as conflicts"
        " from ingest_commit where dataset = 'silver/case_events' and seq > %(last)s",
        commits,
    )
    assert (ledger["records"], ledger["accepted"]) == (sent[settings.events_topic], 0)
    assert ledger["duplicates"] + ledger["rejected"] + ledger["conflicts"] == ledger["records"]
    (totals,) = control.rows(
        "select sum(records)::int as records, sum(accepted)::int as accepted from ingest_commit"
        " where dataset = 'bronze/control_totals'"
    )
    assert totals["records"] == 2 * sent[settings.totals_topic]
    (heard,) = control.rows("select count(*) as events, sum(duplicates)::int as duplicates from trigger_ledger")
    repeated = sent[f"{settings.outbox_topic_prefix}dataset"] + sent[settings.backfill_requests_topic]
    assert (heard["events"], heard["duplicates"]) == (told["events"], told["duplicates"] + repeated)
