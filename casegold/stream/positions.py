"""The position of a continuous consumer on a topic: read from the control database, moved in the caller's transaction.

Not here: positions of ingest (`control.ingest.commits`), which move with what was ingested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casegold.control.db import Connection, ControlDb
from casegold.control.ingest import consumer_positions
from casegold.domain.errors import ConfigurationError
from casegold.source.codec import KafkaRecord
from casegold.source.kafka import Chunk, OffsetRange, TopicState, describe_topic, read_chunks


@dataclass(frozen=True, slots=True)
class EventId:
    """What identifies an event, and its type."""

    source: str
    event_id: str
    event_type: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that a consumer has read and whose position it has not stored yet."""

    consumer: str
    topic: TopicState
    epoch: int
    chunk: Chunk

    def claim(self, connection: Connection, record: KafkaRecord, event: EventId, decision: str) -> bool:
        """Record the decision on an event. False if the ledger has the event already; it then counts the repetition."""
        claimed = {
            "source": event.source,
            "event_id": event.event_id,
            "event_type": event.event_type,
            "topic_id": self.topic.topic_id,
            "partition": record.partition,
            "offset": record.offset,
            "decision": decision,
        }
        return consumer_positions.claim_event(connection, claimed)

    def passed(self, connection: Connection) -> None:
        """Move the position to the end of the batch. It never moves back: a second reader changes nothing."""
        reached = {read.partition: read.end for read in self.chunk.ranges}
        consumer_positions.advance(connection, self.consumer, self.topic.topic, self.epoch, reached)


def next_batch(control: ControlDb, kafka: Mapping[str, Any], consumer: str, topic: str, most: int) -> Batch | None:
    """The records after a consumer's position, about `most` of them; None if there are none.

    Raises:
        SourceUnavailable: Kafka does not answer.
        ConfigurationError: the topic was recreated or truncated.
    """
    state = describe_topic(kafka, topic)
    with control.write("stream-open") as connection:
        epoch = _epoch_of(connection, state)
        ranges = _unread(connection, consumer, state, epoch)
    chunk = next(read_chunks(kafka, topic, ranges, most), None)
    return None if chunk is None else Batch(consumer, state, epoch, chunk)


def _epoch_of(connection: Connection, topic: TopicState) -> int:
    """The current epoch of a topic. The first epoch is accepted as it is found.

    Raises:
        ConfigurationError: the topic is not the one that was read so far.
    """
    consumer_positions.begin_epoch(connection, topic.topic, topic.cluster_id, topic.topic_id)
    found = consumer_positions.current_epoch(connection, topic.topic)
    if found is None or found.topic_id != topic.topic_id:
        raise ConfigurationError(
            f"{topic.topic} was recreated since it was last read",
            remedy=f"find out by whom, then `casegold source accept-epoch {topic.topic} --reason ...`",
        )
    return found.epoch


def _unread(connection: Connection, consumer: str, topic: TopicState, epoch: int) -> tuple[OffsetRange, ...]:
    """The offset ranges of a topic that a consumer has not read.

    Raises:
        ConfigurationError: the topic ends before the consumer's position.
    """
    found = consumer_positions.positions(connection, consumer, topic.topic, epoch)
    stored = {partition: position.offset for partition, position in found.items()}
    for partition, end in topic.ends.items():
        if end < stored.get(partition, 0):
            raise ConfigurationError(
                f"{topic.topic}/{partition} ends at {end}, {consumer} has read {stored[partition]}",
                remedy=f"find out who truncated it, then `casegold source accept-epoch {topic.topic} --reason ...`",
            )
    return tuple(
        OffsetRange(partition, stored.get(partition, topic.starts[partition]), end, topic.starts[partition])
        for partition, end in topic.ends.items()
    )
