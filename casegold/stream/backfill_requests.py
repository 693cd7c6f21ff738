"""`BackfillRequested` events of other systems: each becomes a request once, which people then plan and approve.

An event proves nobody's identity: the request is the platform's own, and what the event says of its sender is part of
its reason. Not here: people's requests (`control.changes.approvals`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec

from casegold.control.changes import backfill_requests
from casegold.control.db import Connection, ControlDb
from casegold.control.model import PartitionRange
from casegold.control.planning.planner import is_computed
from casegold.domain.contract import Contracts
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query
from casegold.source.codec import KafkaRecord
from casegold.stream.dead_letters import set_aside
from casegold.stream.positions import Batch, EventId, next_batch

ROOM = "casegold.stream"

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
    event: EventId
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
    batch = next_batch(control, kafka, CONSUMER, topic, MAX_EVENTS)
    if batch is None:
        return Heard()
    read = [(record, _wish_or_reason(record, contracts)) for record in batch.chunk.records]
    bad = [(record, found) for record, found in read if isinstance(found, str)]
    if bad:
        set_aside(kafka, dead_letters, CONSUMER, bad)
    counts = {"REQUESTED_BACKFILL": 0, "IGNORED": 0, "DUPLICATE": 0}
    with control.write("backfill-hear") as connection:
        for record, found in read:
            if not isinstance(found, str):
                counts[_ask(connection, batch, record, found)] += 1
        batch.passed(connection)
    return Heard(counts["REQUESTED_BACKFILL"], counts["IGNORED"], counts["DUPLICATE"], len(bad))


def _ask(connection: Connection, batch: Batch, record: KafkaRecord, wish: _Wish) -> str:
    event = wish.event
    place = {"source": event.source, "event_id": event.event_id}
    known = connection.execute(query(ROOM, "trigger_known"), place).fetchone() is not None
    reason = f"{event.source} asked by event {event.event_id}: {wish.reason}"
    asked = not known and backfill_requests.ask(connection, wish.dataset, wish.partitions, reason)
    decision = "REQUESTED_BACKFILL" if asked else "IGNORED"
    return decision if batch.claim(connection, record, event, decision) else "DUPLICATE"


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
    event = EventId(headers["ce_source"], headers["ce_id"], TYPE)
    return _Wish(event, contract.dataset, partitions, body.reason[:MAX_REASON])
