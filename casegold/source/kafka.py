"""Bounded reads of Kafka topics: the state of a topic, and exactly the records of given offset ranges.

No consumer group, no committed offsets: the control database has the positions. Not here: the meaning of records.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.source import clients
from casegold.source.codec import KafkaRecord

TIMEOUT_SECONDS = 15.0
STALL_SECONDS = 60.0
"""A read without progress for this long fails: the broker responds, but sends no data."""
BATCH = 10_000
LEADER_PAUSES = (0.2, 0.4, 0.8, 1.6)
_NO_LEADER = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
)
"""Transient errors: a topic was just created, a leader moved, a broker is starting."""

KafkaConfig = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic at one instant. `starts` and `ends` by partition: the log start offset, and the last stable offset.

    Before the last stable offset every transaction is decided; beyond it, a reader could miss later commits.
    """

    cluster_id: str
    topic: str
    topic_id: str
    starts: Mapping[int, int]
    ends: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets [start, end) of a partition; Kafka deleted those below `kept_from` before they were read."""

    partition: int
    start: int
    end: int
    kept_from: int

    @property
    def lost(self) -> int:
        return max(0, min(self.end, self.kept_from) - self.start)


@dataclass(frozen=True, slots=True)
class ReadRange:
    """The offsets of a partition that a chunk covers: each in [start, end) is a record, lost, or a non-record.

    `non_records`: transaction markers, records of aborted transactions, and records that compaction removed.
    """

    partition: int
    start: int
    end: int
    records: int
    lost: int

    @property
    def non_records(self) -> int:
        return self.end - self.start - self.records - self.lost


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of a bounded part of the requested ranges, sorted by partition and offset."""

    records: list[KafkaRecord]
    ranges: tuple[ReadRange, ...]


def describe_topic(config: KafkaConfig, topic: str) -> TopicState:
    """The state of a topic, in four requests, whatever its size.

    Raises:
        SourceUnavailable: Kafka does not respond.
        ConfigurationError: the topic does not exist.
    """
    try:
        with clients.admin(config) as lent:
            return _describe_with_retries(lent, topic)
    except KafkaException as error:
        raise _refusal(topic, error) from error


def _describe_with_retries(admin: clients.Lent[AdminClient], topic: str) -> TopicState:
    """The state of a topic, with retries if it was just created or its leader just moved."""
    for pause in LEADER_PAUSES:
        try:
            return _describe(admin, topic)
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER:
                raise
            time.sleep(pause)
    return _describe(admin, topic)


def _describe(admin: clients.Lent[AdminClient], topic: str) -> TopicState:
    cluster = admin.client.describe_cluster(request_timeout=TIMEOUT_SECONDS).result()
    described = admin.client.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT_SECONDS)[topic].result()
    partitions = [TopicPartition(topic, each.id) for each in described.partitions]
    starts = _offsets(admin, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # ships no types
    ends = _offsets(admin, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # likewise
    return TopicState(cluster.cluster_id, topic, str(described.topic_id), starts, ends)


def _refusal(topic: str, error: KafkaException) -> SourceUnavailable | ConfigurationError:
    if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return ConfigurationError(
            f"there is no topic {topic}", remedy="`casegold up` creates the topics; or correct the setting"
        )
    return _unavailable(topic, error)


def _offsets(admin: clients.Lent[AdminClient], partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
    futures = admin.client.list_offsets(
        dict.fromkeys(partitions, spec),
        isolation_level=IsolationLevel.READ_COMMITTED,
        request_timeout=TIMEOUT_SECONDS,
    )
    return {place.partition: future.result().offset for place, future in futures.items()}


def read_chunks(config: KafkaConfig, topic: str, ranges: tuple[OffsetRange, ...], max_records: int) -> Iterator[Chunk]:
    """Read ranges completely, in chunks of at most `max_records` records.

    A partition is done when its position has reached the end of the range, not after a number of records: offsets
    without a record are normal.

    Raises:
        SourceUnavailable: Kafka fails or stalls; chunks already yielded remain valid.
        ConfigurationError: Kafka deleted records of the range during the read.
    """
    open_ranges = [one for one in ranges if one.end > one.start]
    if not open_ranges:
        return
    reader = _Reader(topic, {one.partition: _Progress(one) for one in open_ranges})
    consumer = clients.consumer(
        {
            **config,
            "group.id": f"casegold-{uuid4()}",  # librdkafka requires one; no offset is ever committed
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "check.crcs": True,
            "queued.max.messages.kbytes": 65_536,
        }
    )
    with closing(consumer):
        consumer.assign([TopicPartition(topic, p, progress.position) for p, progress in reader.partitions.items()])
        while not reader.done:
            yield reader.chunk(consumer, max_records)


@dataclass
class _Progress:
    """The progress of one partition: `position` is the next offset, `chunk_*` describe its part of the open chunk."""

    range: OffsetRange
    position: int = 0
    chunk_start: int = 0
    chunk_records: int = 0

    def __post_init__(self) -> None:
        self.chunk_start = self.range.start
        self.position = self.range.start + self.range.lost

    @property
    def done(self) -> bool:
        return self.position >= self.range.end

    def cut(self) -> ReadRange | None:
        """End the open chunk at the position; None if it has no offsets of this partition."""
        if self.position == self.chunk_start:
            return None
        lost = max(0, min(self.position, self.range.start + self.range.lost) - self.chunk_start)
        read = ReadRange(self.range.partition, self.chunk_start, self.position, self.chunk_records, lost)
        self.chunk_start, self.chunk_records = self.position, 0
        return read


@dataclass
class _Reader:
    topic: str
    partitions: dict[int, _Progress]
    _stopped: set[int] = field(default_factory=set)

    @property
    def done(self) -> bool:
        return all(progress.done for progress in self.partitions.values())

    def chunk(self, consumer: Consumer, max_records: int) -> Chunk:
        records: list[KafkaRecord] = []
        last_progress = time.monotonic()
        while len(records) < max_records and not self.done:
            self._pause_finished(consumer)
            batch = self._consume(consumer, max_records - len(records))
            before = len(records), [progress.position for progress in self.partitions.values()]
            for message in batch:
                self._take(message, records)
            if before != (len(records), [progress.position for progress in self.partitions.values()]):
                last_progress = time.monotonic()
            elif time.monotonic() - last_progress > STALL_SECONDS:
                raise SourceUnavailable(
                    f"{self.topic}: no progress for {STALL_SECONDS:.0f} s at {self._places()}",
                    remedy="look at the broker; the run will be retried",
                )
        records.sort(key=lambda record: (record.partition, record.offset))
        ranges = tuple(read for progress in self.partitions.values() if (read := progress.cut()) is not None)
        return Chunk(records, ranges)

    def _consume(self, consumer: Consumer, room: int) -> list[Any]:
        """A batch, limited by the free room and the open offsets: the client waits for all messages it is asked for."""
        offsets = sum(progress.range.end - progress.position for progress in self.partitions.values())
        try:
            return consumer.consume(min(BATCH, room, offsets), timeout=1.0)
        except KafkaException as error:
            raise _unavailable(self.topic, error) from error

    def _pause_finished(self, consumer: Consumer) -> None:
        finished = {p for p, progress in self.partitions.items() if progress.done} - self._stopped
        if finished:
            consumer.incremental_unassign([TopicPartition(self.topic, p) for p in finished])
            self._stopped |= finished

    def _take(self, message: Any, records: list[KafkaRecord]) -> None:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise self._failure(message, error)
        progress = self.partitions[message.partition()]
        offset = message.offset()
        if progress.done:
            return  # prefetched beyond the end of the range
        if error is not None or offset >= progress.range.end:
            # The last stable offset, or a record beyond the range: the range has no further records.
            progress.position = min(max(progress.position, offset), progress.range.end)
            return
        records.append(_record(message))
        progress.position = offset + 1
        progress.chunk_records += 1

    def _failure(self, message: Any, error: KafkaError) -> SourceUnavailable | ConfigurationError:
        if error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
            return ConfigurationError(
                f"{self.topic}/{message.partition()}: Kafka deleted offsets at or after {self._places()}",
                remedy=f"`casegold source status` shows what is lost; accept it with `source accept-loss {self.topic}`",
            )
        return SourceUnavailable(f"{self.topic}: {error.str()}", remedy="look at the broker; the run will be retried")

    def _places(self) -> str:
        return ", ".join(f"{p}@{progress.position}" for p, progress in sorted(self.partitions.items()))


def _record(message: Any) -> KafkaRecord:
    kind, millis = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE:
        millis = 0
    return KafkaRecord(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=datetime.fromtimestamp(millis / 1000, UTC),
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )


def _unavailable(topic: str, error: KafkaException) -> SourceUnavailable:
    return SourceUnavailable(
        f"Kafka does not answer for {topic}: {error.args[0].str()}", remedy="`casegold status` shows the broker"
    )
