"""`BackfillRequested` events of other systems. Each one becomes one request, which people then plan and approve.

An event does not prove anybody's identity: the request belongs to the platform, and what the event says of its sender
becomes part of the reason. Not here: people's requests (`control.changes.approvals`).
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
    """What one tick found: new requests, ranges that an open request covers, duplicates, and dead letters."""

    asked: int = 0
    covered: int = 0
    duplicates: int = 0
    refused: int = 0


class _Body(msgspec.Struct):
    datasetId: str  # noqa: N815 - names of the event's fields
    partitionFrom: date  # noqa: N815
    partitionTo: date  # noqa: N815
    reason: Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class _Request:
    event: EventId
    dataset: str
    partitions: PartitionRange
    reason: str


def hear(control: ControlDb, contracts: Contracts, kafka: Mapping[str, Any], topic: str, dead_letters: str) -> Heard:
    """Process the events after the stored position, about `MAX_EVENTS` of them.

    A record that is not a valid request goes to `dead_letters` with the reason, before the position passes it.

    Raises:
        SourceUnavailable: Kafka does not answer, or did not take a dead letter.
        ConfigurationError: the topic was recreated or truncated.
    """
    batch = next_batch(control, kafka, CONSUMER, topic, MAX_EVENTS)
    if batch is None:
        return Heard()
    read = [(record, _request_or_reason(record, contracts)) for record in batch.chunk.records]
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


def _ask(connection: Connection, batch: Batch, record: KafkaRecord, request: _Request) -> str:
    event = request.event
    place = {"source": event.source, "event_id": event.event_id}
    known = connection.execute(query(ROOM, "trigger_known"), place).fetchone() is not None
    reason = f"{event.source} asked by event {event.event_id}: {request.reason}"
    asked = not known and backfill_requests.ask(connection, request.dataset, request.partitions, reason)
    decision = "REQUESTED_BACKFILL" if asked else "IGNORED"
    return decision if batch.claim(connection, record, event, decision) else "DUPLICATE"


def _request_or_reason(record: KafkaRecord, contracts: Contracts) -> _Request | str:
    """The request in a record, or why there is none."""
    try:
        return _read(record, contracts)
    except (msgspec.DecodeError, ValueError) as error:
        return f"no {TYPE} event: {error}"[:MAX_REASON]
    except ConfigurationError as error:
        return error.message[:MAX_REASON]


def _read(record: KafkaRecord, contracts: Contracts) -> _Request:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    missing = [name for name in ("ce_source", "ce_id", "ce_type") if not headers.get(name)]
    if missing:
        raise ValueError(f"headers {', '.join(missing)} are missing")
    if headers["ce_type"] != TYPE:
        raise ValueError(f"ce_type is {headers['ce_type'][:100]!r}")
    body = msgspec.json.decode(record.value or b"", type=_Body)
    contract = contracts[body.datasetId]
    if not is_computed(contract):
        raise ValueError(f"{contract.dataset} is not a computed dataset")
    first, last = contract.partition_of(body.partitionFrom), contract.partition_of(body.partitionTo)
    if first > last:
        raise ValueError(f"partitionTo {last} lies before partitionFrom {first}")
    partitions = PartitionRange(first, last)
    event = EventId(headers["ce_source"], headers["ce_id"], TYPE)
    return _Request(event, contract.dataset, partitions, body.reason[:MAX_REASON])
