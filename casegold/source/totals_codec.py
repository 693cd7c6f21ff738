"""Decodes Kafka records to control totals. `decode_total` never fails because of a record.

Not here: decisions that need more than the record (duplicates, conflicting recounts).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from casegold.domain.events import EVENT_TYPES, MAX_IDENTIFIER, Rejection, RejectReason
from casegold.domain.payload import Invalid, read_instant
from casegold.source.codec import KafkaRecord
from casegold.source.json_text import Unreadable, read_object, storable
from casegold.source.totals import ControlTotal

_DATE = re.compile(r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MAX_INTEGER = 2**63 - 1


def decode_total(record: KafkaRecord) -> ControlTotal | Rejection:
    """The control total in a record, or the reason why there is none. No content of a record raises an error."""
    fields: dict[str, Any] = {}
    try:
        fields = _open(record)
        total = ControlTotal(
            source=_text(fields, "source"),
            business_date=_date(fields, "businessDate"),
            event_type=_text(fields, "eventType"),
            count=_integer(fields, "count", at_least=0),
            as_of=read_instant(fields.get("asOf"), "asOf"),
            revision=_integer(fields, "revision", at_least=1),
        )
    except Unreadable as error:
        return _rejection(record, RejectReason.UNDECODABLE, str(error), fields)
    except Invalid as error:
        return _rejection(record, RejectReason.INVALID, str(error), fields)
    if total.event_type not in EVENT_TYPES:
        detail = f"eventType: {total.event_type!r} is not an event type"
        return _rejection(record, RejectReason.UNKNOWN_TYPE, detail, fields)
    if record.key is not None and record.key != total.key():
        return _rejection(record, RejectReason.INVALID, "key: differs from source", fields)
    return total


def conflict(record: KafkaRecord, total: ControlTotal, count: int, as_of: datetime) -> Rejection:
    """The rejection of a total whose revision already arrived as `count` at `as_of`; the first one stays in force."""
    detail = (
        f"revision: {total.revision} of {total.business_date} {total.event_type} was {count} as of {as_of.isoformat()},"
        f" now {total.count} as of {total.as_of.isoformat()}; a recount needs a higher revision"
    )
    return refusal(record, total, RejectReason.CONFLICT, detail)


def refusal(record: KafkaRecord, total: ControlTotal, reason: RejectReason, detail: str) -> Rejection:
    """The rejection of a total that could be decoded."""
    return Rejection(
        reason=reason,
        detail=detail,
        source=total.source,
        event_type=total.event_type,
        emitted_at=record.timestamp,
    )


def _open(record: KafkaRecord) -> dict[str, Any]:
    if record.value is None:
        raise Unreadable("the value is null")
    return read_object(record.value)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER:
        raise Invalid(f"{name}: not a text of 1 to {MAX_IDENTIFIER} characters")
    return value


def _date(fields: dict[str, Any], name: str) -> date:
    value = fields.get(name)
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Invalid(f"{name}: not a date such as 2026-03-01, years 1900-2999")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Invalid(f"{name}: {error}") from error


def _integer(fields: dict[str, Any], name: str, *, at_least: int) -> int:
    value = fields.get(name)
    if type(value) is not int or not at_least <= value <= _MAX_INTEGER:
        raise Invalid(f"{name}: not an integer of at least {at_least}")
    return value


def _rejection(record: KafkaRecord, reason: RejectReason, detail: str, fields: dict[str, Any]) -> Rejection:
    def text(name: str) -> str | None:
        value = fields.get(name)
        return value[:MAX_IDENTIFIER] if isinstance(value, str) and storable(value) else None

    return Rejection(
        reason=reason,
        detail=detail[:1000].encode(errors="replace").decode().replace("\0", "?"),
        source=text("source"),
        event_type=text("eventType"),
        emitted_at=record.timestamp,
    )
