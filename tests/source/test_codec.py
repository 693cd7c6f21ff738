"""Nothing crashes the codec, round trips are exact, and an event is the same in every encoding."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.events import CaseEvent, Rejection, RejectReason
from casegold.domain.identity import content_digest, event_key
from casegold.source.codec import Encoding, KafkaRecord, decode, encode
from tests.source.strategies import FINITE, events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = "urn:test"
PLAIN: dict[str, Any] = {
    "eventId": "e1",
    "eventType": "CaseClosed",
    "caseId": "c1",
    "occurredAt": "2026-03-01T10:00:00+01:00",
    "schemaVersion": "1.0",
    "data": {"reason": "settled"},
}


def record(value: bytes | None, key: bytes | None = None, headers: Any = ()) -> KafkaRecord:
    return KafkaRecord("topic", 0, 7, NOW, key, value, headers)


def rejected(value: bytes | None, key: bytes | None = None, headers: Any = ()) -> Rejection:
    outcome = decode(record(value, key, headers), default_source=SOURCE)
    assert isinstance(outcome, Rejection)
    return outcome


def plain(**changes: Any) -> bytes:
    return json.dumps({**PLAIN, **changes}).encode()


@given(events())
def test_round_trips_are_exact_and_identity_is_one(event: CaseEvent) -> None:
    identities = set()
    for encoding in Encoding:
        sent = encode(event, encoding, default_source=event.source)
        back = decode(record(sent.value, sent.key, sent.headers), default_source=event.source)
        assert back == event
        assert isinstance(back, CaseEvent)
        identities.add((event_key(back.source, back.id), content_digest(back)))
    assert len(identities) == 1


JSON = st.recursive(FINITE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(st.dictionaries(st.sampled_from([*PLAIN, "sequence", "emittedAt", "specversion", "processingMode"]), JSON))
def test_no_field_crashes_it(changes: dict[str, Any]) -> None:
    decode(record(plain(**changes)), default_source=SOURCE)


@given(
    st.none() | st.binary(),
    st.none() | st.binary(max_size=5),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "content-type", "x"]), st.none() | st.binary())),
)
def test_no_bytes_crash_it(value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    assert isinstance(decode(record(value, key, tuple(headers)), default_source=SOURCE), Rejection)


@given(events(), st.data())
@settings(max_examples=200)
def test_no_damage_crashes_it(event: CaseEvent, data: st.DataObject) -> None:
    sent = encode(event, data.draw(st.sampled_from(Encoding)), default_source=event.source)
    damaged = bytearray(sent.value)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    decode(record(bytes(damaged), sent.key, sent.headers), default_source=event.source)


def test_plain_defaults() -> None:
    event = decode(record(plain(), b"c1"), default_source=SOURCE)
    assert isinstance(event, CaseEvent)
    assert (event.source, event.sequence, event.emitted_at) == (SOURCE, 0, NOW)
    assert event.occurred_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [(Encoding.BINARY, "application/json"), (Encoding.STRUCTURED, "application/cloudevents+json")],
)
def test_a_cloud_event_says_what_its_value_is(encoding: Encoding, content: str) -> None:
    event = decode(record(plain(), b"c1"), default_source=SOURCE)
    assert isinstance(event, CaseEvent)
    headers = dict(encode(event, encoding, default_source=SOURCE).headers)
    assert headers["content-type"] == content.encode()
    assert headers.get("ce_specversion") == (b"1.0" if encoding is Encoding.BINARY else None)


@pytest.mark.parametrize("encoding", Encoding)
def test_the_key_is_the_case(encoding: Encoding) -> None:
    event = decode(record(plain(), b"c1"), default_source=SOURCE)
    assert isinstance(event, CaseEvent)
    assert encode(event, encoding, default_source=SOURCE).key == b"c1"


@pytest.mark.parametrize("text", ["-1", "one", "1.0", ""])
def test_a_sequence_in_a_header_is_a_number(text: str) -> None:
    refused = rejected(b"{}", headers=(("ce_id", b"e1"), ("ce_sequence", text.encode())))
    assert (refused.reason, refused.detail) == (RejectReason.INVALID, "sequence: not an integer of at least 0")


@pytest.mark.parametrize("encoding", [Encoding.BINARY, Encoding.STRUCTURED])
def test_a_cloud_event_has_the_source_that_it_names(encoding: Encoding) -> None:
    event = decode(record(plain(), b"c1"), default_source=SOURCE)
    assert isinstance(event, CaseEvent)
    sent = encode(event, encoding, default_source=SOURCE)
    read = decode(record(sent.value, sent.key, sent.headers), default_source="urn:other")
    assert isinstance(read, CaseEvent)
    assert read.source == SOURCE


def test_the_greatest_sequence() -> None:
    greatest = decode(record(plain(sequence=2**63 - 1)), default_source=SOURCE)
    assert isinstance(greatest, CaseEvent)
    sent = encode(greatest, Encoding.BINARY, default_source=SOURCE)
    beyond = tuple((name, b"%d" % 2**63 if name == "ce_sequence" else value) for name, value in sent.headers)
    assert rejected(sent.value, sent.key, beyond).detail == "sequence: not an integer of at least 0"


def test_another_version_of_cloud_events_is_refused() -> None:
    refused = rejected(b"{}", headers=(("ce_id", b"e1"), ("ce_specversion", b"2.0")))
    assert refused.detail == "specversion: only CloudEvents 1.0 is read"


def test_the_plain_encoding_of_another_source_is_refused() -> None:
    event = decode(record(plain(), b"c1"), default_source=SOURCE)
    assert isinstance(event, CaseEvent)
    with pytest.raises(ValueError, match="'urn:test' is not 'urn:other'"):
        encode(event, Encoding.PLAIN, default_source="urn:other")


def test_equal_values_written_differently_have_one_digest() -> None:
    data = [
        {"decision": "FINE", "penaltyAmount": "5", "currency": "EUR", "extra": 1.0},
        {"extra": 1, "currency": "EUR", "penaltyAmount": "5.00", "decision": "FINE", "unknown": None},
    ]
    found = [decode(record(plain(eventType="DecisionIssued", data=item)), default_source=SOURCE) for item in data]
    assert len({content_digest(event) for event in found if isinstance(event, CaseEvent)}) == 1
    assert all(isinstance(event, CaseEvent) for event in found)


def test_the_digest_covers_unknown_fields() -> None:
    one, other = (
        decode(record(plain(data={"reason": "settled", "extra": extra})), default_source=SOURCE) for extra in (1, 2)
    )
    assert isinstance(one, CaseEvent)
    assert isinstance(other, CaseEvent)
    assert content_digest(one) != content_digest(other)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"occurredAt": "2026-03-01T10:00:00"}, RejectReason.INVALID, "occurredAt"),
        ({"occurredAt": "1066-03-01T10:00:00Z"}, RejectReason.INVALID, "occurredAt"),
        ({"occurredAt": "2026-03-01T10:00:00.1234567890Z"}, RejectReason.INVALID, "occurredAt: 10 decimals"),
        ({"occurredAt": "2026-03-01T10:00:00.Z"}, RejectReason.INVALID, "occurredAt"),
        ({"occurredAt": "2026-03-01T10:00:00123Z"}, RejectReason.INVALID, "occurredAt"),
        ({"occurredAt": 1}, RejectReason.INVALID, "occurredAt"),
        ({"emittedAt": "yesterday"}, RejectReason.INVALID, "emittedAt"),
        ({"sequence": -1}, RejectReason.INVALID, "sequence"),
        ({"sequence": "1"}, RejectReason.INVALID, "sequence"),
        ({"sequence": True}, RejectReason.INVALID, "sequence"),
        ({"sequence": 1.5}, RejectReason.INVALID, "sequence"),
        ({"processingMode": "FAST"}, RejectReason.INVALID, "processingMode"),
        ({"eventId": ""}, RejectReason.INVALID, "eventId"),
        ({"caseId": None}, RejectReason.INVALID, "caseId"),
        ({"eventType": "CaseVanished"}, RejectReason.UNKNOWN_TYPE, "CaseVanished"),
        ({"schemaVersion": "2.0"}, RejectReason.UNKNOWN_VERSION, "2.0"),
        ({"schemaVersion": "new"}, RejectReason.INVALID, "schemaVersion"),
        ({"data": {}}, RejectReason.INVALID, "reason"),
        ({"data": []}, RejectReason.INVALID, "data"),
        ({"data": {"reason": "\0"}}, RejectReason.UNDECODABLE, "NUL"),
        ({"data": {"reason": "\ud800"}}, RejectReason.UNDECODABLE, "surrogate"),
        ({"data": {"reason": 2**64}}, RejectReason.UNDECODABLE, "64 bits"),
        ({"data": {"reason": float("nan")}}, RejectReason.UNDECODABLE, "NaN"),
    ],
)
def test_a_rejection_names_the_field(changes: dict[str, Any], reason: RejectReason, field: str) -> None:
    outcome = rejected(plain(**changes))
    assert outcome.reason is reason
    assert field in outcome.detail


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"{",
        b"\xff",
        "\ufeff{}".encode(),
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":2}}',
        b"[" * 100_000,
        b'{"a":' * 50 + b"1" + b"}" * 50,
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"' + b"x" * 1024 * 1024 + b'"}',
    ],
    ids=lambda value: repr(value)[:20],
)
def test_hostile_bytes_are_undecodable(value: bytes | None) -> None:
    assert rejected(value).reason is RejectReason.UNDECODABLE


def test_the_key_must_be_the_case() -> None:
    assert "key" in rejected(plain(), key=b"c2").detail


def test_a_header_twice_is_invalid() -> None:
    headers = (("ce_id", b"a"), ("ce_id", b"b"))
    assert rejected(b"{}", headers=headers).reason is RejectReason.INVALID


def test_a_rejection_keeps_what_is_known() -> None:
    outcome = rejected(plain(data={}))
    assert (outcome.source, outcome.event_id, outcome.event_type, outcome.case_id) == (SOURCE, "e1", "CaseClosed", "c1")
    assert outcome.occurred_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
