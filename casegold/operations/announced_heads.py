"""Compares the audit trail with those of its heads that were announced on Kafka.

Not here: the chain itself (`control.integrity.audit_trail`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from casegold.control.db import ControlDb
from casegold.control.integrity import audit_trail
from casegold.control.integrity.audit_trail import Head
from casegold.runtime.settings import Settings
from casegold.sink.relay import HEAD_DIGEST, HEAD_SEQUENCE
from casegold.source.codec import KafkaRecord
from casegold.source.kafka import OffsetRange, describe_topic, read_chunks

CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Announced:
    """A head of the audit trail as an announcement has it, and the announcement's place on Kafka."""

    head: Head
    topic: str
    partition: int
    offset: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """Announcements with a head: their number, those that the trail contradicts, and how many a restore made void."""

    announcements: int
    contradicted: tuple[Announced, ...]
    void: int


def compare(settings: Settings, control: ControlDb) -> Compared:
    """Read every announcement that Kafka still has, and look up its head in the trail.

    Raises:
        SourceUnavailable: Kafka or Postgres does not answer.
        ConfigurationError: there is no such topic.
    """
    restored = audit_trail.restorations(control)
    found: list[Announced] = []
    count, void = 0, 0
    for chunk in _announced(settings):
        count += len(chunk)
        wrong = set(audit_trail.contradicted(control, {each.head for each in chunk}))
        for each in chunk:
            if each.head in wrong:
                # Announced after the backup was taken: the restore gave up that part of the trail.
                lost = any(known.taken_at <= each.at <= known.restored_at for known in restored)
                void += lost
                found += [] if lost else [each]
    return Compared(count, tuple(found), void)


def _announced(settings: Settings) -> Iterator[list[Announced]]:
    for topic in settings.announcement_topics():
        state = describe_topic(settings.kafka_config(), topic)
        ranges = tuple(
            OffsetRange(each, state.starts[each], state.ends[each], state.starts[each]) for each in state.ends
        )
        for chunk in read_chunks(settings.kafka_config(), topic, ranges, CHUNK):
            yield [each for record in chunk.records if (each := _head_of(topic, record)) is not None]


def _head_of(topic: str, record: KafkaRecord) -> Announced | None:
    """None for announcements that were sent before there was a chain."""
    headers = {name: value for name, value in record.headers if value is not None}
    if HEAD_SEQUENCE not in headers:
        return None
    sequence = headers[HEAD_SEQUENCE]
    # A record that is not ours is reported, too: no trail has an entry with this number.
    number = int(sequence) if sequence.isdigit() else -1
    head = Head(number, headers.get(HEAD_DIGEST, b"").decode(errors="replace"))
    return Announced(head, topic, record.partition, record.offset, record.timestamp)
