"""Announcements of published versions: each one is claimed once, in the transaction that also stores the position.

The claim is a row in the trigger ledger. Not here: what becomes due (the planner decides from control state alone).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casegold.control.db import ControlDb
from casegold.source.codec import KafkaRecord
from casegold.stream.dead_letters import set_aside
from casegold.stream.positions import EventId, next_batch

CONSUMER = "publish_events"
WAKING = frozenset({"DatasetVersionPublished"})
MAX_EVENTS = 500
"""Approximate number of events per tick: their ledger rows take well below a second."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one tick found: events that woke the planner, duplicates, events of other types, and unreadable records."""

    woke: int = 0
    duplicates: int = 0
    ignored: int = 0
    undecodable: int = 0


def claim_announcements(control: ControlDb, kafka: Mapping[str, Any], topic: str, dead_letters: str) -> Seen:
    """Claim the announcements after the stored position, about `MAX_EVENTS` of them.

    A record that is not an announcement goes to `dead_letters` before the position passes it. After a crash in between
    it is there twice, with the same topic, partition and offset in its headers.

    Raises:
        SourceUnavailable: Kafka does not answer, or did not take a dead letter.
        ConfigurationError: the topic was recreated or truncated.
    """
    batch = next_batch(control, kafka, CONSUMER, topic, MAX_EVENTS)
    if batch is None:
        return Seen()
    decoded = [(record, _decode(record)) for record in batch.chunk.records]
    bad = [(record, "not an announcement of a dataset version") for record, event in decoded if event is None]
    if bad:
        set_aside(kafka, dead_letters, CONSUMER, bad)
    counts = {"WOKE_PLANNER": 0, "IGNORED": 0, "DUPLICATE": 0}
    with control.write("trigger-claim") as connection:
        for record, event in decoded:
            if event is not None:
                decision = "WOKE_PLANNER" if event.event_type in WAKING else "IGNORED"
                counts[decision if batch.claim(connection, record, event, decision) else "DUPLICATE"] += 1
        batch.passed(connection)
    return Seen(counts["WOKE_PLANNER"], counts["DUPLICATE"], counts["IGNORED"], len(bad))


def _decode(record: KafkaRecord) -> EventId | None:
    """The announcement in a record; None if it has other headers, or a body that is not a JSON object."""
    try:
        headers = {name: (value or b"").decode() for name, value in record.headers}
        body: Any = json.loads(record.value or b"")
        found = EventId(headers["ce_source"], headers["ce_id"], headers["ce_type"])
    except (KeyError, ValueError):
        return None
    return found if isinstance(body, dict) else None
