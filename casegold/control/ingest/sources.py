"""Control state of the source topics: the epoch that is read, positions, and the losses that a person accepted.

Not here: contents of a range (`commits`), asking Kafka (`casegold.source.kafka`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.ingest import consumer_positions
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.ingest"


class Topic(Protocol):
    """The state of a topic in Kafka: see `casegold.source.kafka.TopicState`."""

    @property
    def cluster_id(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def topic_id(self) -> str: ...
    @property
    def starts(self) -> Mapping[int, int]: ...
    @property
    def ends(self) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A consumer's position on a partition, and the offsets [kept_from, end) that Kafka has of it."""

    partition: int
    position: int
    kept_from: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.position)


@dataclass(frozen=True, slots=True)
class Look:
    """A consumer's state on a topic, and the problem that would stop it. `epoch` is 0 if the topic was never read."""

    epoch: int
    places: tuple[Place, ...]
    problem: ConfigurationError | None


def begin(connection: Connection, state: Topic) -> None:
    """Record epoch 1 of a topic that was never seen."""
    consumer_positions.begin_epoch(connection, state.topic, state.cluster_id, state.topic_id)


def current_epoch(connection: Connection, state: Topic) -> int:
    """The current epoch of a topic.

    Raises:
        ConfigurationError: the topic was recreated, or was never read.
    """
    found = consumer_positions.current_epoch(connection, state.topic)
    if found is None or (found.cluster_id, found.topic_id) != (state.cluster_id, state.topic_id):
        known = "nothing" if found is None else f"topic id {found.topic_id} of cluster {found.cluster_id}"
        raise another_topic(state, known)
    return found.epoch


def another_topic(state: Topic, known: str) -> ConfigurationError:
    """The error for a topic with a known name and another id or cluster."""
    return ConfigurationError(
        f"{state.topic} is another topic than before: known is {known}, "
        f"found was {state.topic_id} of {state.cluster_id}",
        remedy=f"find out who recreated it; then `casegold source accept-epoch {state.topic} --reason ...`",
    )


def begin_partitions(connection: Connection, consumer: str, state: Topic, epoch: int) -> None:
    """Set the position of each new partition to the beginning of its log."""
    base = {"consumer": consumer, "topic": state.topic, "epoch": epoch}
    with connection.cursor() as cursor:
        cursor.executemany(
            query(ROOM, "position_first"),
            [base | {"partition": p, "position": start} for p, start in state.starts.items()],
        )


def known_positions(connection: Connection, consumer: str, state: Topic, epoch: int) -> dict[int, int]:
    """The stored positions of a consumer, by partition.

    Raises:
        ConfigurationError: a log ends before the position: it was truncated.
    """
    found = positions(connection, consumer, state.topic, epoch)
    for partition, position in found.items():
        end = state.ends.get(partition)
        if end is None or end < position:
            raise ConfigurationError(
                f"{state.topic}/{partition} ends at {end}, {consumer} has read to {position}: the log was truncated",
                remedy=f"find out what happened; then `casegold source accept-epoch {state.topic} --reason ...`",
            )
    return found


def refuse_loss(connection: Connection, state: Topic, epoch: int, at: Mapping[int, int]) -> None:
    """Stop if records were deleted before they were read, unless a person has accepted exactly that loss.

    Raises:
        ConfigurationError: offsets were lost and no person accepted the loss.
    """
    rows = connection.execute(query(ROOM, "loss_accepted"), {"topic": state.topic, "epoch": epoch})
    accepted = [(row["kafka_partition"], row["start_offset"], row["end_offset"]) for row in rows]
    for partition, position in at.items():
        kept_from = state.starts[partition]
        given_up = any(p == partition and start <= position and kept_from <= end for p, start, end in accepted)
        if position < kept_from and not given_up:
            raise ConfigurationError(
                f"{state.topic}/{partition}: offsets {position} to {kept_from - 1} were deleted before they were read",
                remedy=f"restore them and send them again, or `casegold source accept-loss {state.topic} --reason ...`",
            )


def positions(connection: Connection, consumer: str, topic: str, epoch: int) -> dict[int, int]:
    """The next offset to read of each partition: everything before it is durable."""
    stored = consumer_positions.positions(connection, consumer, topic, epoch)
    return {partition: position.offset for partition, position in stored.items()}


def look(connection: Connection, consumer: str, state: Topic) -> Look:
    """How far a topic is read, and the problem that would stop the next plan. Writes nothing."""
    found = consumer_positions.current_epoch(connection, state.topic)
    epoch = 0 if found is None else found.epoch
    at = positions(connection, consumer, state.topic, epoch)
    places = tuple(
        Place(partition, at.get(partition, state.starts[partition]), state.starts[partition], end)
        for partition, end in sorted(state.ends.items())
    )
    if found is None:
        return Look(epoch, places, None)
    try:
        current_epoch(connection, state)
        refuse_loss(connection, state, epoch, known_positions(connection, consumer, state, epoch))
    except ConfigurationError as problem:
        return Look(epoch, places, problem)
    return Look(epoch, places, None)


def accept_epoch(control: ControlDb, state: Topic, reason: str) -> int:
    """Accept a recreated or truncated topic: a new epoch, read from the topic's beginning. Returns its number.

    Raises:
        ConfigurationError: the topic was never read, or nothing about it has changed.
    """
    parameters = {
        "topic": state.topic,
        "cluster_id": state.cluster_id,
        "topic_id": state.topic_id,
        "reason": reason,
    }
    with control.write("epoch-accept") as connection:
        take_lock(connection, Lock.PLAN)
        current = consumer_positions.current_epoch(connection, state.topic)
        if current is None:
            raise ConfigurationError(f"{state.topic} was never read: there is no epoch to follow")
        same = (current.cluster_id, current.topic_id) == (state.cluster_id, state.topic_id)
        if same and not _truncated(connection, state, current.epoch):
            raise ConfigurationError(f"{state.topic} is already read as epoch {current.epoch}: nothing to accept")
        row = connection.execute(query(ROOM, "epoch_accept"), parameters).fetchone()
    assert row is not None  # noqa: S101 - the topic has an epoch, so the statement adds one
    return int(row["epoch"])


def _truncated(connection: Connection, state: Topic, epoch: int) -> bool:
    parameters = {
        "topic": state.topic,
        "epoch": epoch,
        "partitions": list(state.ends),
        "ends": list(state.ends.values()),
    }
    return connection.execute(query(ROOM, "positions_beyond"), parameters).fetchone() is not None


def accept_loss(control: ControlDb, consumer: str, state: Topic, reason: str) -> list[tuple[int, int, int]]:
    """Accept the loss of offsets that Kafka deleted unread. Returns (partition, first, last) of each gap.

    Raises:
        ConfigurationError: the topic is another one, or nothing is lost.
    """
    accepted = []
    with control.write("loss-accept") as connection:
        take_lock(connection, Lock.PLAN)
        epoch = current_epoch(connection, state)
        for partition, position in positions(connection, consumer, state.topic, epoch).items():
            kept_from = state.starts.get(partition, 0)
            if position >= kept_from:
                continue
            parameters = {
                "topic": state.topic,
                "epoch": epoch,
                "partition": partition,
                "start": position,
                "end": kept_from,
                "reason": reason,
            }
            connection.execute(query(ROOM, "loss_accept"), parameters)
            accepted.append((partition, position, kept_from - 1))
    if not accepted:
        raise ConfigurationError(f"{state.topic}: nothing is lost that {consumer} has not read")
    return accepted
