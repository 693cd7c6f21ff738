"""Announcements of published versions: each is claimed once in the trigger ledger, in the transaction that stores its
position. Not here: what is due after one (the planner decides by control state alone).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casegold.domain.sql import load
from casegold.manifest.db import Connection, ControlDb
from casegold.source.codec import KafkaRecord
from casegold.source.kafka import describe_topic, read_chunks
from casegold.stream.dead_letters import set_aside
from casegold.stream.positions import advance, epoch_of, unread

SQL = "casegold.manifest.sql"
CONSUMER = "publish_events"
WAKING = frozenset({"DatasetVersionPublished"})
MAX_EVENTS = 500
"""Events of one look, about: well below a second of ledger rows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found: events that woke the planner, repetitions, events of other types, and unreadable records."""

    woke: int = 0
    duplicates: int = 0
    ignored: int = 0
    undecodable: int = 0


@dataclass(frozen=True, slots=True)
class _Announcement:
    source: str
    event_id: str
    event_type: str


def claim_announcements(control: ControlDb, kafka: Mapping[str, Any], topic: str, dead_letters: str) -> Seen:
    """Claim the announcements since the stored position, about `MAX_EVENTS` of them.

    A record that is none goes to `dead_letters` before the position passes it; after a crash in between it is there
    twice, with the same topic, partition and offset in its headers.

    Raises:
        SourceUnavailable: Kafka does not answer, or did not take a dead letter.
        ConfigurationError: the topic is not the one that was read so far.
    """
    state = describe_topic(kafka, topic)
    with control.write("stream-open") as connection:
        epoch = epoch_of(connection, state)
        ranges = unread(connection, CONSUMER, state, epoch)
    chunk = next(read_chunks(kafka, topic, ranges, MAX_EVENTS), None)
    if chunk is None:
        return Seen()
    decoded = [(record, _decode(record)) for record in chunk.records]
    bad = [record for record, announcement in decoded if announcement is None]
    if bad:
        set_aside(
            kafka, dead_letters, CONSUMER, [(record, "not an announcement of a dataset version") for record in bad]
        )
    counts = {"WOKE_PLANNER": 0, "IGNORED": 0, "DUPLICATE": 0}
    with control.write("trigger-claim") as connection:
        for record, announcement in decoded:
            if announcement is not None:
                counts[_claim(connection, state.topic_id, record, announcement)] += 1
        advance(connection, CONSUMER, topic, epoch, chunk)
    return Seen(counts["WOKE_PLANNER"], counts["DUPLICATE"], counts["IGNORED"], len(bad))


def _claim(connection: Connection, topic_id: str, record: KafkaRecord, announcement: _Announcement) -> str:
    decision = "WOKE_PLANNER" if announcement.event_type in WAKING else "IGNORED"
    row = connection.execute(
        load(SQL, "trigger_claim"),
        {
            "source": announcement.source,
            "event_id": announcement.event_id,
            "event_type": announcement.event_type,
            "topic_id": topic_id,
            "partition": record.partition,
            "offset": record.offset,
            "decision": decision,
        },
    ).fetchone()
    return decision if row is not None and row["first"] else "DUPLICATE"


def _decode(record: KafkaRecord) -> _Announcement | None:
    """The announcement in a record; None for what is none: foreign headers or a body that is no JSON object."""
    try:
        headers = {name: (value or b"").decode() for name, value in record.headers}
        body: Any = json.loads(record.value or b"")
        found = _Announcement(headers["ce_source"], headers["ce_id"], headers["ce_type"])
    except (KeyError, ValueError):
        return None
    return found if isinstance(body, dict) else None
