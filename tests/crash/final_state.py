"""What is left once everything is done, without what two ways to get there may differ in: times, numbers, tries."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from casegold.control.integrity.maintenance_requests import official_snapshots
from casegold.control.runs.claimed_tables import published
from casegold.runtime.platform import Platform
from casegold.sink.tags import changes
from casegold.source.kafka import describe_topic

ROWS = {
    "bronze/case_events": ("kafka_partition", "kafka_offset", "key", "value", "headers"),
    "bronze/rejected_events": ("kafka_partition", "kafka_offset", "key", "value", "reason"),
    "bronze/control_totals": ("source", "business_date", "event_type", "count", "as_of", "revision"),
    "silver/case_events": ("source", "event_id", "case_id", "event_type", "occurred_at", "effective_date", "data"),
}
"""Columns that the way does not change. A row that is there twice makes a difference: rows are counted."""

CONTROL = {
    # What is announced twice after a crash is heard twice: that consumer's place is compared with its topic instead.
    "positions": "select consumer, kafka_partition, position from source_position where consumer <> 'publish_events'",
    "ingest": """select dataset, sum(records)::int as records, sum(accepted)::int as accepted,
                        sum(duplicates)::int as duplicates, sum(conflicts)::int as conflicts,
                        sum(rejected)::int as rejected from ingest_commit group by dataset""",
    "offsets": """select dataset, kafka_partition, sum(records)::int as records, sum(non_records)::int as non_records,
                         sum(lost)::int as lost from ingest_source_range group by 1, 2""",
    "dirty": "select dirty_from, sum(facts)::int as facts, sum(late)::int as late from ingest_dates group by 1",
    "held": "select source, event_id, dirty_from, state from fact_admission",
    "conflicts": "select kafka_partition, kafka_offset, event_id, state from event_conflict",
    "totals": "select source, business_date, event_type, revision, count from control_total",
    "closed": "select business_date from day_close",
    "partitions": """select dataset, partition_key, row_count, digest_high::text, digest_low::text, seen_contract
                     from partition_state""",
    "versions": """select dataset, array_agg(partition_key || '/' || digest_high || '/' || digest_low
                                             order by partition_key) as partitions
                   from version_partition join dataset_version using (dataset, version)
                   where state = 'COMPLETED' group by dataset, version""",
    "holds": "select dataset, kind, partition_from, partition_to from hold where released_at is null",
    "requests": "select dataset, partition_from, partition_to, state from backfill_request",
    "announced": "select aggregatetype, type, count(*)::int as rows from outbox group by 1, 2",
    "heard": "select event_type, decision, count(*)::int as rows from trigger_ledger group by 1, 2",
    "letters": "select operation, state, response from effect_ledger",
    "clean runs": """select pipeline, state, count(*)::int as runs from run_manifest
                     where pipeline <> 'maintenance' and state not in ('SUPERSEDED') group by 1, 2""",
}

NOTHING = {
    "undecided": "select dataset, version from dataset_version where state in ('PREPARED', 'ABANDONING')",
    "claimed": "select dataset from dataset_claim",
    "live": "select run_id from run_attempt where state in ('REQUESTED', 'RUNNING')",
    "owed": "select id from outbox where id not in (select id from outbox_delivery)",
}
"""What must be empty at the end."""


def final_state(platform: Platform) -> dict[str, Any]:
    """Everything that counts, by name; equal for two installations that did the same work."""
    for what, sql in NOTHING.items():
        assert platform.control.rows(sql) == [], what
    _assert_every_version_is_tagged(platform)
    found: dict[str, Any] = {
        name: sorted(json.dumps(row, default=str, sort_keys=True) for row in platform.control.rows(sql))
        for name, sql in CONTROL.items()
    }
    for dataset, columns in ROWS.items():
        rows = platform.lake.table(dataset).scan(selected_fields=columns).to_arrow().to_pylist()
        found[dataset] = Counter(json.dumps(row, default=str, sort_keys=True) for row in rows)
        assert max(found[dataset].values(), default=1) == 1, f"a row of {dataset} is there twice"
    prefix = platform.settings.outbox_topic_prefix
    assert _heard(platform) == sum(describe_topic(platform.kafka_config, f"{prefix}dataset").ends.values())
    found["topic"] = _announcements(platform, f"{prefix}dataset") | _announcements(platform, f"{prefix}backfill")
    found["dead letters"] = _places_of_letters(platform)
    return found


def _assert_every_version_is_tagged(platform: Platform) -> None:
    for dataset in published(platform.contracts):
        with platform.control.read() as connection:
            official = official_snapshots(connection, dataset)
        assert changes(platform.lake.table(dataset), official) == [], f"tags of {dataset} differ from its versions"


def _heard(platform: Platform) -> int:
    """How many announcements the publish-event sensor has passed."""
    rows = platform.control.rows("select position from source_position where consumer = 'publish_events'")
    return sum(row["position"] for row in rows)


def _announcements(platform: Platform, topic: str) -> set[str]:
    """Events on a topic, told apart by their id as a consumer would: exactly those of the outbox."""
    heard = {dict(message.headers() or [])["ce_id"].decode(): message for message in messages(platform, topic)}
    kind = topic.rpartition(".")[2]
    sent = {
        str(row["id"])
        for row in platform.control.rows("select id, aggregatetype from outbox")
        if row["aggregatetype"] == kind
    }
    assert heard.keys() == sent, f"{topic} and the outbox differ"
    return {
        json.dumps(
            {name: payload[name] for name in ("eventType", "datasetId", "partitions", "mode") if name in payload},
            sort_keys=True,
        )
        for payload in (json.loads(message.value() or b"{}") for message in heard.values())
    }


def _places_of_letters(platform: Platform) -> set[tuple[str, str]]:
    """Where the records on the dead-letter topic came from; sent twice after a crash, they say the same place."""
    found = set()
    for message in messages(platform, platform.settings.events_dlq_topic):
        headers = dict(message.headers() or [])
        found.add((headers["__connect.errors.partition"].decode(), headers["__connect.errors.offset"].decode()))
    return found


def messages(platform: Platform, topic: str) -> list[Any]:
    """Every record of a topic."""
    ends = describe_topic(platform.kafka_config, topic).ends
    consumer = Consumer({**platform.kafka_config, "group.id": "unused", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        found: list[Any] = []
        while len(found) < sum(ends.values()):
            message = consumer.poll(10)
            assert message is not None and message.error() is None, message
            found.append(message)
        return found
    finally:
        consumer.close()
