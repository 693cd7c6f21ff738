"""Kafka records to case events and back, in the three encodings that case systems use.

`decode` never fails because of a record: it returns an event, or a rejection with a reason and a detail that names the
field. Not here: decisions that need more than the record (duplicates, conflicts, dates outside the contract).
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from casegold.domain.events import MAX_IDENTIFIER, CaseEvent, EventType, ProcessingMode, Rejection, RejectReason
from casegold.domain.identity import canonical_instant
from casegold.domain.payload import Invalid, read_instant, read_payload
from casegold.source.attribute_names import CLOUD, PLAIN, Names
from casegold.source.json_text import Unreadable, read_object, storable

MAJOR = "1"
"""The only major version of the schemas that this codec reads."""
SCHEMA_URI = "urn:casegold:event:"
STRUCTURED_CONTENT = "application/cloudevents+json"

_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,2}")
_DIGITS = re.compile(r"[0-9]{1,19}")
_MODES = {mode.value: mode for mode in ProcessingMode}
_TYPES = {kind.value: kind for kind in EventType}
_envelopes = msgspec.json.Encoder()
Headers = tuple[tuple[str, bytes | None], ...]


class Encoding(StrEnum):
    BINARY = "binary"
    """CloudEvents binary: attributes are headers, the value is `data`."""
    STRUCTURED = "structured"
    """CloudEvents structured JSON: one object with the attributes and `data`."""
    PLAIN = "plain"
    """The case system's own JSON. It names no source, so events get the default source of the topic."""


class KafkaRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as received. `timestamp` is the Kafka timestamp, time-zone aware."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Encoded(msgspec.Struct, frozen=True):
    """Key, value and headers that a producer sends for one event."""

    key: bytes
    value: bytes
    headers: Headers


class _UnknownType(ValueError):
    pass


class _UnknownVersion(ValueError):
    pass


_REASONS: dict[type[ValueError], RejectReason] = {
    Unreadable: RejectReason.UNDECODABLE,
    Invalid: RejectReason.INVALID,
    _UnknownType: RejectReason.UNKNOWN_TYPE,
    _UnknownVersion: RejectReason.UNKNOWN_VERSION,
}


def decode(record: KafkaRecord, *, default_source: str) -> CaseEvent | Rejection:
    """The event in a record, or the reason why there is none. No content of a record raises an error.

    `default_source` is the source of events in the plain encoding.
    """
    attributes: dict[str, Any] = {}
    names = CLOUD
    try:
        attributes, data, names = _open(record)
        return _event(record, attributes, data, names, default_source)
    except tuple(_REASONS) as error:
        reason = next(reason for kind, reason in _REASONS.items() if isinstance(error, kind))
        return _rejection(record, reason, str(error), attributes, names, default_source)


def encode(event: CaseEvent, encoding: Encoding, *, default_source: str) -> Encoded:
    """The record of an event. Raises ValueError for the plain encoding of an event from another source."""
    key = event.case_id.encode()
    if encoding is Encoding.BINARY:
        attributes = {"specversion": "1.0", **_attributes(event, CLOUD, with_source=True)}
        headers = tuple((f"ce_{name}", str(value).encode()) for name, value in attributes.items())
        return Encoded(key, event.data_json.encode(), (*headers, ("content-type", b"application/json")))
    if encoding is Encoding.STRUCTURED:
        envelope = {"specversion": "1.0", **_attributes(event, CLOUD, with_source=True)}
        return Encoded(key, _with_data(envelope, event.data_json), (("content-type", STRUCTURED_CONTENT.encode()),))
    if event.source != default_source:
        raise ValueError(f"the plain encoding names no source: {event.source!r} is not {default_source!r}")
    return Encoded(key, _with_data(_attributes(event, PLAIN, with_source=False), event.data_json), ())


def _open(record: KafkaRecord) -> tuple[dict[str, Any], object, Names]:
    """Attributes, data and attribute names, by the detected encoding of the record."""
    if record.value is None:
        raise Unreadable("the value is null")
    headers = _headers(record.headers) if record.headers else {}
    value = read_object(record.value)
    binary = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
    if binary:
        _require_spec(binary.get("specversion", "1.0"))
        if "sequence" in binary:
            binary["sequence"] = _digits(binary["sequence"])
        return binary, value, CLOUD
    if "specversion" in value or headers.get("content-type", "").startswith(STRUCTURED_CONTENT):
        _require_spec(value.get("specversion"))
        if value.get("data_base64") is not None:
            raise Invalid("data_base64: data must be JSON")
        return value, value.get("data"), CLOUD
    return value, value.get("data"), PLAIN


def _headers(headers: Headers) -> dict[str, Any]:
    """The CloudEvents headers and content-type, as text. Other headers, such as tracing, may hold any bytes."""
    found: dict[str, Any] = {}
    for raw_name, value in headers:
        name = raw_name.lower()
        if not name.startswith("ce_") and name != "content-type":
            continue
        if name in found:
            raise Invalid(f"header {name}: given twice")
        try:
            found[name] = (value or b"").decode()
        except UnicodeDecodeError as error:
            raise Invalid(f"header {name}: not UTF-8") from error
    return found


def _require_spec(version: object) -> None:
    if version != "1.0":
        raise Invalid("specversion: only CloudEvents 1.0 is read")


def _digits(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise Invalid("sequence: not an integer of at least 0")
    return int(text)


def _event(
    record: KafkaRecord, attributes: dict[str, Any], data: object, names: Names, default_source: str
) -> CaseEvent:
    version = _version(attributes, names)
    kind = _kind(attributes, names)
    case_id = _identifier(attributes, names.case)
    if record.key is not None and record.key != case_id.encode():
        raise Invalid(f"key: differs from {names.case}")
    emitted = attributes.get(names.emitted)
    payload, data_json = read_payload(kind, data)
    return CaseEvent(
        source=_identifier(attributes, names.source) if names.source else default_source,
        id=_identifier(attributes, names.id),
        type=kind,
        case_id=case_id,
        occurred_at=read_instant(attributes.get(names.occurred), names.occurred),
        emitted_at=record.timestamp if emitted is None else read_instant(emitted, names.emitted),
        data=payload,
        data_json=data_json,
        sequence=_sequence(attributes, names),
        schema_version=version,
        mode=_mode(attributes, names),
        backfill_run_id=_optional(attributes, names.backfill),
        source_position=_optional(attributes, names.position),
    )


def _kind(attributes: dict[str, Any], names: Names) -> EventType:
    name = _identifier(attributes, names.type)
    kind = _TYPES.get(name)
    if kind is None:
        raise _UnknownType(f"{names.type}: {name!r} is not an event type")
    return kind


def _version(attributes: dict[str, Any], names: Names) -> str:
    """The plain version, or the part after the last colon of the URI of the data schema."""
    version = _identifier(attributes, names.version).rpartition(":")[2]
    if not _VERSION.fullmatch(version):
        raise Invalid(f"{names.version}: no version such as 1.0")
    if version.partition(".")[0] != MAJOR:
        raise _UnknownVersion(f"{names.version}: {version} is not of major version {MAJOR}")
    return version


def _sequence(attributes: dict[str, Any], names: Names) -> int:
    value = attributes.get(names.sequence, 0)
    if type(value) is not int or not 0 <= value < 2**63:
        raise Invalid(f"{names.sequence}: not an integer of at least 0")
    return value


def _mode(attributes: dict[str, Any], names: Names) -> ProcessingMode:
    value = attributes.get(names.mode)
    if value is None:
        return ProcessingMode.NORMAL
    mode = _MODES.get(value) if isinstance(value, str) else None
    if mode is None:
        raise Invalid(f"{names.mode}: none of {', '.join(_MODES)}")
    return mode


def _optional(attributes: dict[str, Any], name: str) -> str | None:
    return None if attributes.get(name) is None else _identifier(attributes, name)


def _identifier(attributes: dict[str, Any], name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER or "\0" in value:
        raise Invalid(f"{name}: not a text of 1 to {MAX_IDENTIFIER} characters")
    return value


def _rejection(
    record: KafkaRecord,
    reason: RejectReason,
    detail: str,
    attributes: dict[str, Any],
    names: Names,
    default_source: str,
) -> Rejection:
    def text(name: str) -> str | None:
        value = attributes.get(name)
        return value[:MAX_IDENTIFIER] if isinstance(value, str) and storable(value) else None

    def instant(name: str) -> datetime | None:
        try:
            return read_instant(attributes.get(name), name)
        except Invalid:  # an unreadable field of a rejected record is unknown; the detail says why it was rejected
            return None

    return Rejection(
        reason=reason,
        detail=detail[:1000].encode(errors="replace").decode().replace("\0", "?"),
        source=(text(names.source) if names.source else default_source) if attributes else None,
        event_id=text(names.id),
        event_type=text(names.type),
        case_id=text(names.case),
        occurred_at=instant(names.occurred),
        emitted_at=instant(names.emitted) or record.timestamp,
    )


def _attributes(event: CaseEvent, names: Names, *, with_source: bool) -> dict[str, str | int]:
    version = event.schema_version
    values: dict[str, str | int | None] = {
        names.id: event.id,
        names.type: event.type.value,
        names.case: event.case_id,
        names.occurred: canonical_instant(event.occurred_at),
        names.emitted: canonical_instant(event.emitted_at),
        names.sequence: event.sequence,
        names.version: f"{SCHEMA_URI}{event.type.value}:{version}" if with_source else version,
        names.mode: event.mode.value,
        names.backfill: event.backfill_run_id,
        names.position: event.source_position,
    }
    if with_source:
        values[names.source] = event.source
    return {name: value for name, value in values.items() if value is not None}


def _with_data(envelope: dict[str, str | int], data_json: str) -> bytes:
    """The envelope with `data` last. Its text is already canonical, so it is not serialised again."""
    return b'%s,"data":%s}' % (_envelopes.encode(envelope)[:-1], data_json.encode())
