"""Where a continuous consumer stands on a topic: read from the control database, moved in the caller's transaction.

Not here: positions of ingest (`manifest.ingest`), which move with what was ingested.
"""

from __future__ import annotations

from collections.abc import Mapping

from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import load
from casegold.manifest.db import Connection
from casegold.source.kafka import Chunk, OffsetRange, TopicState

SQL = "casegold.manifest.sql"


def epoch_of(connection: Connection, topic: TopicState) -> int:
    """The current life of a topic; the first one is taken as found.

    Raises:
        ConfigurationError: it is another topic than the one read so far.
    """
    found = {"topic": topic.topic, "cluster_id": topic.cluster_id, "topic_id": topic.topic_id}
    connection.execute(load(SQL, "stream_epoch_first"), found)
    row = connection.execute(load(SQL, "stream_epoch"), found).fetchone()
    if row is None or row["topic_id"] != topic.topic_id:
        raise ConfigurationError(
            f"{topic.topic} was recreated since it was last read",
            remedy=f"find out by whom, then `casegold source accept-epoch {topic.topic} --reason ...`",
        )
    return int(row["epoch"])


def unread(connection: Connection, consumer: str, topic: TopicState, epoch: int) -> tuple[OffsetRange, ...]:
    """What a consumer has not read of a topic.

    Raises:
        ConfigurationError: the topic ends before our position.
    """
    parameters = {"consumer": consumer, "topic": topic.topic, "epoch": epoch}
    rows = connection.execute(load(SQL, "stream_positions"), parameters)
    stored: Mapping[int, int] = {row["kafka_partition"]: row["position"] for row in rows}
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


def advance(connection: Connection, consumer: str, topic: str, epoch: int, chunk: Chunk) -> None:
    """Move to the end of what was read. Positions never fall: of two readers of one chunk the second moves nothing."""
    place = {"consumer": consumer, "topic": topic, "epoch": epoch}
    for read in chunk.ranges:
        connection.execute(load(SQL, "stream_advance"), place | {"partition": read.partition, "position": read.end})
