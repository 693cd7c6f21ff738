"""Converts the JSON `data` of an event to its typed payload and canonical text. Not here: bytes and envelopes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec

from casegold.domain.events import (
    PAYLOADS,
    CaseCorrected,
    EventType,
    Payload,
    Replacement,
    ReplacementData,
)
from casegold.domain.identity import canonical_instant, canonical_json

MAX_DECIMALS = 9
"""Accepted decimals of a second; digits below microseconds are truncated. Java prints up to nine."""
_SECOND = r"((?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})"
_ZONE = r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
_INSTANT = re.compile(rf"{_SECOND}(?:(\.[0-9]{{1,6}})[0-9]{{0,{MAX_DECIMALS - 6}}})?{_ZONE}")
_TOO_FINE = re.compile(rf"{_SECOND}\.([0-9]{{{MAX_DECIMALS + 1},}}){_ZONE}")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,2})?")
_SHAPES: tuple[type[Payload], ...] = (*PAYLOADS.values(), Replacement, ReplacementData)
_NAMES = {kind: tuple((field.name, field.encode_name) for field in msgspec.structs.fields(kind)) for kind in _SHAPES}


def _holds(annotation: object, wanted: type) -> bool:
    return annotation is wanted or any(_holds(each, wanted) for each in get_args(annotation))


def fields_of(kind: type[Payload], wanted: type) -> tuple[str, ...]:
    """The fields of a payload with values of a type, by their names in JSON."""
    return tuple(field.encode_name for field in msgspec.structs.fields(kind) if _holds(field.type, wanted))


_INSTANTS = {kind: fields_of(kind, datetime) for kind in _SHAPES}
_AMOUNTS = {kind: fields_of(kind, Decimal) for kind in _SHAPES}
_CENTS = Decimal("0.01")


class Invalid(ValueError):
    """A value that violates the schema; the message names the field."""


def read_instant(value: object, field: str) -> datetime:
    """An RFC 3339 instant, years 1900 to 2999, as UTC, truncated to microseconds. Raises Invalid.

    Truncated as text, never rounded: an instant stays on its date, and the order of two instants never reverses.
    """
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Invalid(f"{field}: {_not_read(value)}")
    day, second, fraction, zone = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{second}{fraction or ''}{zone.upper()}").astimezone(UTC)
    except ValueError as error:
        raise Invalid(f"{field}: {error}") from error


def _not_read(value: object) -> str:
    """What is wrong with an instant."""
    too_fine = _TOO_FINE.fullmatch(value) if isinstance(value, str) else None
    if too_fine is not None:
        return f"{len(too_fine[3])} decimals of a second, at most {MAX_DECIMALS} are read"
    return f"not an ISO 8601 instant with offset, years 1900-2999, at most {MAX_DECIMALS} decimals"


def read_payload(kind: EventType, data: object) -> tuple[Payload, str]:
    """The typed payload and its canonical JSON. Raises Invalid.

    In canonical JSON, null fields are left out, amounts have two decimals, and instants are UTC with microseconds.
    Unknown fields are kept.
    """
    if not isinstance(data, dict):
        raise Invalid("data: not an object")
    canonical = _canonical_fields(data, PAYLOADS[kind], "data")
    if kind is EventType.CASE_CORRECTED and isinstance(data.get("replacement"), dict):
        canonical["replacement"] = _canonical_replacement(data["replacement"])
    return _convert(canonical, PAYLOADS[kind], "data"), canonical_json(canonical)


def payload_json(payload: Payload) -> str:
    """The canonical JSON of a payload that was built in code."""
    return canonical_json(_plain(payload))


def _plain(payload: Payload) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, encoded_name in _NAMES[type(payload)]:
        value = getattr(payload, name)
        if isinstance(value, Payload):
            value = _plain(value)
        elif isinstance(value, datetime):
            value = canonical_instant(value)
        elif isinstance(value, Decimal):
            value = str(value.quantize(_CENTS))
        if value is not None:
            values[encoded_name] = value
    return values


def _canonical_replacement(replacement: dict[str, Any]) -> dict[str, Any]:
    canonical = {name: value for name, value in replacement.items() if value is not None}
    canonical["occurredAt"] = canonical_instant(
        read_instant(canonical.get("occurredAt"), "data.replacement.occurredAt")
    )
    data = canonical.get("data")
    if not isinstance(data, dict):
        raise Invalid("data.replacement.data: not an object")
    canonical["data"] = _canonical_fields(data, ReplacementData, "data.replacement.data")
    if not any(_fits(canonical["data"], kind) for kind in PAYLOADS.values() if kind is not CaseCorrected):
        raise Invalid("data.replacement.data: not the data of any event type")
    return canonical


def _fits(data: dict[str, Any], kind: type[Payload]) -> bool:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return False
    return True


def _canonical_fields(data: dict[str, Any], kind: type[Payload], field: str) -> dict[str, Any]:
    canonical = {name: value for name, value in data.items() if value is not None}
    for name in _INSTANTS[kind]:
        if name in canonical:
            canonical[name] = canonical_instant(read_instant(canonical[name], f"{field}.{name}"))
    for name in _AMOUNTS[kind]:
        if name in canonical:
            canonical[name] = _canonical_amount(canonical[name], f"{field}.{name}")
    return canonical


def _canonical_amount(value: object, field: str) -> str:
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise Invalid(f"{field}: not a decimal string of at most 16 digits and 2 decimals")
    return str(Decimal(value).quantize(_CENTS))


def _convert(data: dict[str, Any], kind: type[Payload], field: str) -> Payload:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"{field}: {error}") from error
