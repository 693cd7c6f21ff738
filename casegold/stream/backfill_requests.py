"""`BackfillRequested` events of other systems: each becomes a request once, which people then plan and approve.

An event proves nobody's identity: the request is the platform's own, and what the event says of its sender is part of
its reason. Not here: people's requests (`manifest.approvals`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec

from casegold.domain.contract import Contracts
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import load
from casegold.manifest import backfill
from casegold.manifest.db import Connection, ControlDb
from casegold.manifest.model import PartitionRange
from casegold.manifest.planner import is_computed
from casegold.source.codec import KafkaRecord
from casegold.source.kafka import describe_topic, read_chunks
from casegold.stream.dead_letters import set_aside
from casegold.stream.positions import advance, epoch_of, unread

SQL = "casegold.manifest.sql"
CONSUMER = "backfill_requests"
TYPE = "BackfillRequested"
MAX_EVENTS = 100
MAX_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What one look found: new requests, ranges that an open request covers, repetitions, and records set aside."""

    asked: int = 0
    covered: int = 0
    duplicates: int = 0
    refused: int = 0


class _Body(msgspec.Struct):
    datasetId: str  # noqa: N815 - as announcements name them
    partitionFrom: date  # noqa: N815
    partitionTo: date  # noqa: N815
    reason: Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class _Wish:
    source: str
    event_id: str
    dataset: str
    partitions: PartitionRange
    reason: str


def hear(control: ControlDb, contracts: Contracts, kafka: Mapping[str, Any], topic: str, dead_letters: str) -> Heard:
    """Take the events since the stored position, about `MAX_EVENTS` of them.

    What is no request goes to `dead_letters` with the reason before the position passes it.

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
        return Heard()
    read = [(record, _wish_or_reason(record, contracts)) for record in chunk.records]
    bad = [(record, found) for record, found in read if isinstance(found, str)]
    if bad:
        set_aside(kafka, dead_letters, CONSUMER, bad)
    counts = {"REQUESTED_BACKFILL": 0, "IGNORED": 0, "DUPLICATE": 0}
    with control.write("backfill-hear") as connection:
        for record, found in read:
            if not isinstance(found, str):
                counts[_ask(connection, state.topic_id, record, found)] += 1
        advance(connection, CONSUMER, topic, epoch, chunk)
    return Heard(counts["REQUESTED_BACKFILL"], counts["IGNORED"], counts["DUPLICATE"], len(bad))


def _ask(connection: Connection, topic_id: str, record: KafkaRecord, wish: _Wish) -> str:
    claimed = {
        "source": wish.source,
        "event_id": wish.event_id,
        "event_type": TYPE,
        "topic_id": topic_id,
        "partition": record.partition,
        "offset": record.offset,
    }
    known = connection.execute(load(SQL, "trigger_known"), claimed).fetchone() is not None
    reason = f"{wish.source} asked by event {wish.event_id}: {wish.reason}"
    asked = not known and backfill.ask(connection, wish.dataset, wish.partitions, reason)
    decision = "REQUESTED_BACKFILL" if asked else "IGNORED"
    connection.execute(load(SQL, "trigger_claim"), claimed | {"decision": decision})
    return "DUPLICATE" if known else decision


def _wish_or_reason(record: KafkaRecord, contracts: Contracts) -> _Wish | str:
    """The wish in a record, or why it is none."""
    try:
        return _read(record, contracts)
    except (msgspec.DecodeError, ValueError) as error:
        return f"no {TYPE} event: {error}"[:MAX_REASON]
    except ConfigurationError as error:
        return error.message[:MAX_REASON]


def _read(record: KafkaRecord, contracts: Contracts) -> _Wish:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    missing = [name for name in ("ce_source", "ce_id", "ce_type") if not headers.get(name)]
    if missing:
        raise ValueError(f"headers {', '.join(missing)} are missing")
    if headers["ce_type"] != TYPE:
        raise ValueError(f"ce_type is {headers['ce_type'][:100]!r}")
    body = msgspec.json.decode(record.value or b"", type=_Body)
    contract = contracts[body.datasetId]
    if not is_computed(contract):
        raise ValueError(f"{contract.dataset} is not computed from anything")
    first, last = contract.partition_of(body.partitionFrom), contract.partition_of(body.partitionTo)
    if first > last:
        raise ValueError(f"partitionTo {last} lies before partitionFrom {first}")
    partitions = PartitionRange(first, last)
    return _Wish(headers["ce_source"], headers["ce_id"], contract.dataset, partitions, body.reason[:MAX_REASON])
