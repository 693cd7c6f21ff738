"""Converts bronze records to silver rows: decoding, business dates, typed columns. Not here: deduplication.

Pure functions: the caller passes the decoder, the calendar and the contract's bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

import msgspec
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import CaseCorrected, CaseEvent, Payload, Rejection, RejectReason
from casegold.domain.identity import content_digest, event_key

EventId = tuple[str, str]
"""Source and id."""

RENAMED = {"kind": "evidence_kind", "level": "escalation_level"}
"""Payload fields with another name in silver, where `kind` and `level` alone would be ambiguous."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The contract's bounds for facts that count: their dates, and the sources that may send them."""

    first_date: date
    max_future: timedelta
    sources: frozenset[str]


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A record that decoded to an event within the bounds; `row` is its index in the chunk."""

    row: int
    event: CaseEvent
    key: int
    digest: str
    effective_date: date
    replacement_date: date | None

    @property
    def identity(self) -> EventId:
        return self.event.source, self.event.id

    @property
    def corrected(self) -> EventId | None:
        """The event that this one corrects."""
        data = self.event.data
        return (self.event.source, data.corrected_event_id) if isinstance(data, CaseCorrected) else None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is not a fact."""

    row: int
    rejection: Rejection
    effective_date: date | None


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A new fact, and the first date whose figures it changes."""

    candidate: Candidate
    dirty_from: date


def read_chunk(
    records: Sequence[Any],
    received_at: Sequence[datetime],
    decode: Callable[[Any], CaseEvent | Rejection],
    calendar: BusinessCalendar,
    bounds: Bounds | None,
) -> tuple[list[Candidate], list[Refused]]:
    """Decode the records of a chunk.

    Args:
        received_at: when each was written to bronze; limits how far in the future an event may lie.
        bounds: None if all records were already found to be within the bounds.
    """
    candidates: list[Candidate] = []
    refused: list[Refused] = []
    for row, (record, received) in enumerate(zip(records, received_at, strict=True)):
        found = decode(record)
        if isinstance(found, Rejection):
            day = None if found.occurred_at is None else calendar.date_of(found.occurred_at)
            refused.append(Refused(row, found, day))
            continue
        candidate = _candidate(row, found, calendar)
        reason = (
            None if bounds is None else _unknown_source(found, bounds) or _out_of_bounds(candidate, received, bounds)
        )
        if reason is None:
            candidates.append(candidate)
        else:
            refused.append(Refused(row, _rejection(found, *reason), candidate.effective_date))
    return candidates, refused


def _candidate(row: int, event: CaseEvent, calendar: BusinessCalendar) -> Candidate:
    moved = event.data.replacement if isinstance(event.data, CaseCorrected) else None
    return Candidate(
        row=row,
        event=event,
        key=event_key(event.source, event.id),
        digest=content_digest(event),
        effective_date=calendar.date_of(event.occurred_at),
        replacement_date=None if moved is None else calendar.date_of(moved.occurred_at),
    )


def _unknown_source(event: CaseEvent, bounds: Bounds) -> tuple[RejectReason, str] | None:
    if event.source in bounds.sources:
        return None
    return RejectReason.UNKNOWN_SOURCE, f"source: the contract names no source {event.source!r}"


def _out_of_bounds(candidate: Candidate, received: datetime, bounds: Bounds) -> tuple[RejectReason, str] | None:
    dates = [candidate.effective_date]
    instants = [candidate.event.occurred_at]
    if candidate.replacement_date is not None and isinstance(candidate.event.data, CaseCorrected):
        dates.append(candidate.replacement_date)
        if candidate.event.data.replacement is not None:
            instants.append(candidate.event.data.replacement.occurred_at)
    if min(dates) < bounds.first_date:
        return RejectReason.BEFORE_FIRST_DATE, f"occurredAt: {min(dates)} is before the first date {bounds.first_date}"
    if max(instants) > received + bounds.max_future:
        return RejectReason.BEYOND_MAX_FUTURE, f"occurredAt: {max(instants)} is more than {bounds.max_future} ahead"
    return None


def _rejection(event: CaseEvent, reason: RejectReason, detail: str) -> Rejection:
    return Rejection(
        reason=reason,
        detail=detail,
        source=event.source,
        event_id=event.id,
        event_type=event.type.value,
        case_id=event.case_id,
        occurred_at=event.occurred_at,
        emitted_at=event.emitted_at,
    )


def conflict(candidate: Candidate, recorded: str) -> Refused:
    """The refusal of a candidate whose id is known with other content."""
    detail = f"id: {candidate.event.id} is recorded with other content ({recorded})"
    return Refused(candidate.row, _rejection(candidate.event, RejectReason.CONFLICT, detail), candidate.effective_date)


def silver_rows(
    accepted: Sequence[Accepted], bronze: pa.Table, seq: int, recorded_at: datetime, schema: pa.Schema
) -> pa.Table:
    """The silver rows of new facts, sorted by effective date and case.

    Args:
        bronze: the chunk, for the topic, partition and offset of each record.
        schema: the schema of silver, from its contract.
    """
    ordered = sorted(accepted, key=lambda each: (each.candidate.effective_date, each.candidate.event.case_id))
    places = bronze.select(["topic_id", "kafka_partition", "kafka_offset"]).take(
        pa.array([each.candidate.row for each in ordered], pa.int64())
    )
    columns = _typed_columns([each.candidate.event.data for each in ordered])
    columns |= _common_columns(ordered)
    columns |= {"ingest_seq": pa.repeat(seq, len(ordered)), "recorded_at": pa.repeat(recorded_at, len(ordered))}
    columns |= {name: places[name].combine_chunks() for name in places.column_names}
    arrays = [_array(columns.get(field.name), len(ordered), field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: list[Any] | pa.Array | None, length: int, kind: pa.DataType) -> pa.Array:
    if column is None:
        return pa.nulls(length, kind)
    return pa.array(column, kind) if isinstance(column, list) else column.cast(kind)


def _common_columns(accepted: Sequence[Accepted]) -> dict[str, Any]:
    """The columns that facts of all types have."""
    candidates = [each.candidate for each in accepted]
    events = [candidate.event for candidate in candidates]
    return {
        "source": [event.source for event in events],
        "event_id": [event.id for event in events],
        "event_key": [candidate.key for candidate in candidates],
        "event_type": [event.type.value for event in events],
        "case_id": [event.case_id for event in events],
        "occurred_at": [event.occurred_at for event in events],
        "effective_date": [candidate.effective_date for candidate in candidates],
        "emitted_at": [event.emitted_at for event in events],
        "sequence": [event.sequence for event in events],
        "schema_version": [event.schema_version for event in events],
        "content_digest": [candidate.digest for candidate in candidates],
        "mode": [event.mode.value for event in events],
        "backfill_run_id": [event.backfill_run_id for event in events],
        "source_position": [event.source_position for event in events],
        "dirty_from": [each.dirty_from for each in accepted],
        "data": [event.data_json for event in events],
        "replacement_effective_date": [candidate.replacement_date for candidate in candidates],
    }


def _typed_columns(payloads: Sequence[Payload]) -> dict[str, Any]:
    """The typed columns that at least one of the payloads fills."""
    columns: dict[str, list[Any]] = defaultdict(lambda: [None] * len(payloads))
    for row, data in enumerate(payloads):
        for name, value in _typed(data):
            columns[name][row] = value
    return dict(columns)


def _typed(data: Payload) -> Iterator[tuple[str, Any]]:
    """The typed columns of a payload; for a correction, also those of its replacement."""
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if value is None:
            continue
        if name == "replacement":
            yield "replacement_occurred_at", value.occurred_at
            yield from ((key, each) for key, each in _typed(value.data) if key != "reason")
        elif name == "action":
            yield "correction_action", value.value
        else:
            yield RENAMED.get(name, name), value.value if isinstance(value, Enum) else value


def rejected_rows(refused: Sequence[Refused], bronze: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of refused records: as received, with the reason and the fields that could be read."""
    received = bronze.take(pa.array([each.row for each in refused], pa.int64()))
    read = [_rejected_row(each) for each in refused]
    arrays = [
        received[field.name].combine_chunks()
        if field.name in received.column_names
        else pa.array([row[field.name] for row in read], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _rejected_row(each: Refused) -> Mapping[str, Any]:
    rejection = each.rejection
    return {
        "reason": rejection.reason.value,
        "detail": rejection.detail,
        "source": rejection.source,
        "event_id": rejection.event_id,
        "event_type": rejection.event_type,
        "case_id": rejection.case_id,
        "occurred_at": rejection.occurred_at,
        "effective_date": each.effective_date,
        "emitted_at": rejection.emitted_at,
    }
