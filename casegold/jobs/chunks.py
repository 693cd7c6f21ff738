"""What both ingests do alike with a chunk of Kafka records: where reading resumes, how records and ranges are stored.

Not here: what records mean, and which commits they become (`ingest`, `control_totals`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from casegold.control.ingest import sources
from casegold.control.ingest.sources import another_topic
from casegold.control.model import Claim, RunManifest
from casegold.domain.errors import InvariantBroken
from casegold.runtime.platform import Platform
from casegold.sink.tables import BRONZE_SCHEMA
from casegold.source.kafka import Chunk, OffsetRange, ReadRange, describe_topic

RANGES = "casegold.source-ranges"
"""Table property: the offset range of each partition that the last commit covers. Any attempt can complete it."""

NO_RANGES = "null"
"""Value of `RANGES` if the last commit only took a number: it covers no offsets of any topic."""


def covers_nothing(properties: Mapping[str, str]) -> bool:
    """Whether a table's last commit only took a number."""
    return properties.get(RANGES) == NO_RANGES


def remaining(platform: Platform, manifest: RunManifest) -> tuple[OffsetRange, ...]:
    """The manifest's offset ranges that earlier attempts have not read yet.

    Raises:
        ConfigurationError: the topic was recreated after the manifest was planned; its offsets now mean other records.
    """
    scope = manifest.scope
    state = describe_topic(platform.kafka_config, scope["topic"])
    if (state.cluster_id, state.topic_id) != (scope["cluster_id"], scope["topic_id"]):
        raise another_topic(state, f"topic id {scope['topic_id']} of cluster {scope['cluster_id']}")
    with platform.control.read() as connection:
        reached = sources.positions(connection, manifest.dataset, scope["topic"], scope["epoch"])
    return tuple(
        OffsetRange(partition, max(start, reached[partition]), end, kept_from)
        for partition, start, end, kept_from in scope["ranges"]
    )


def record_rows(manifest: RunManifest, chunk: Chunk, seq: int, now: datetime) -> pa.Table:
    """The records as received. `now` is the same for the whole chunk because the chunk is one commit."""
    scope, records = manifest.scope, chunk.records
    count = len(records)
    columns = {
        "cluster_id": pa.repeat(scope["cluster_id"], count),
        "topic": pa.repeat(scope["topic"], count),
        "topic_id": pa.repeat(scope["topic_id"], count),
        "kafka_partition": [record.partition for record in records],
        "kafka_offset": [record.offset for record in records],
        "kafka_timestamp": [record.timestamp for record in records],
        "key": [record.key for record in records],
        "value": [record.value for record in records],
        "headers": [[{"key": key, "value": value} for key, value in record.headers] for record in records],
        "ingest_seq": pa.repeat(seq, count),
        "ingested_at": pa.repeat(pa.scalar(now, BRONZE_SCHEMA.field("ingested_at").type), count),
        "ingest_date": pa.repeat(pa.scalar(now.date(), pa.date32()), count),
    }
    arrays = [
        column.cast(each.type) if isinstance(column := columns[each.name], pa.Array) else pa.array(column, each.type)
        for each in BRONZE_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=BRONZE_SCHEMA)


def ranges_json(manifest: RunManifest, chunk: Chunk) -> str:
    """The value of the property `RANGES`."""
    ranges = [[read.partition, read.start, read.end, read.records, read.lost] for read in chunk.ranges]
    return json.dumps({"topic": manifest.scope["topic"], "epoch": manifest.scope["epoch"], "ranges": ranges})


@dataclass(frozen=True, slots=True)
class Covered:
    """What a commit covers of a topic. Its epoch may have ended: a chunk in bronze is completed under its old epoch."""

    topic: str
    epoch: int
    ranges: tuple[ReadRange, ...]


def covered(manifest: RunManifest, ranges: tuple[ReadRange, ...]) -> Covered:
    """What a chunk covers that was read for this manifest."""
    return Covered(manifest.scope["topic"], manifest.scope["epoch"], ranges)


def unfinished(manifest: RunManifest, properties: Mapping[str, str]) -> Covered:
    """What a table's last commit covers, read from the table's properties.

    Raises:
        InvariantBroken: the commit is of another topic than the manifest.
    """
    found = json.loads(properties[RANGES])
    if found["topic"] != manifest.scope["topic"]:
        raise InvariantBroken(
            f"the last commit for {manifest.dataset} is incomplete, and it is of another topic: {found['topic']}",
            remedy=f"set the topic back to {found['topic']} until that commit is complete",
        )
    return Covered(found["topic"], found["epoch"], tuple(ReadRange(*each) for each in found["ranges"]))


def commit_summary(claim: Claim) -> dict[str, str]:
    """Properties for a snapshot's summary: the run and attempt that made it."""
    return {"casegold.run-id": claim.run_id, "casegold.attempt": str(claim.attempt)}
