"""The AsyncAPI document is up to date, valid, and says what goes over Kafka.

`asyncapi-3.0.0.json.gz` is the official JSON Schema of AsyncAPI 3.0, unchanged: `schemas/3.0.0.json` of the npm package
@asyncapi/specs 6.11.1 (Apache License 2.0).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from casegold.domain.events import EVENT_TYPES, CaseEvent
from casegold.reference.asyncapi import document, page
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from casegold.source.codec import Encoding, KafkaRecord, encode
from casegold.source.totals import ControlTotal
from casegold.source.totals_codec import decode_total
from tests.source.strategies import MUTANTS, events

WRITTEN = REPOSITORY / "contracts" / "asyncapi.yaml"
OFFICIAL = Path(__file__).parent / "asyncapi-3.0.0.json.gz"
ROOT = "urn:test:asyncapi"


@cache
def registry() -> Registry[Any]:
    resource: Resource[Any] = Resource.from_contents(document(), default_specification=DRAFT202012)
    found: Registry[Any] = Registry().with_resource(ROOT, resource)
    return found


def complaints(pointer: str, value: object) -> list[str]:
    """What the schema at a place of the document has against a value."""
    validator = Draft202012Validator({"$ref": f"{ROOT}#{pointer}"}, registry=registry())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def message(channel: str, name: str) -> str:
    return f"/channels/{channel}/messages/{name}"


def test_the_document_is_up_to_date() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == page(), "run `make asyncapi`"


def test_the_document_is_asyncapi_3() -> None:
    official = Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))
    written = yaml.safe_load(WRITTEN.read_text(encoding="utf-8"))
    assert [f"{error.json_path}: {error.message}" for error in official.iter_errors(written)] == []
    written["channels"]["caseEvents"]["adress"] = "x"
    assert not official.is_valid(written)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_every_reference_leads_somewhere() -> None:
    resolver = registry().resolver(ROOT)
    for each in set(_references(document())):
        assert resolver.lookup(each).contents


def test_every_topic_of_the_settings_is_there() -> None:
    addresses = [channel["address"] for channel in document()["channels"].values()]
    assert sorted(addresses) == sorted(Settings().topics())


def test_every_schema_is_a_schema() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        Draft7Validator.check_schema(schema)


@given(events())
def test_events_are_what_the_document_says_in_every_encoding(event: CaseEvent) -> None:
    for encoding, name in ((Encoding.STRUCTURED, "structuredEvent"), (Encoding.PLAIN, "plainEvent")):
        sent = encode(event, encoding, default_source=event.source)
        assert complaints(f"{message('caseEvents', name)}/payload", json.loads(sent.value)) == []
    sent = encode(event, Encoding.BINARY, default_source=event.source)
    place = message("caseEvents", f"{event.type}Binary")
    assert complaints(f"{place}/payload", json.loads(sent.value)) == []
    assert complaints(f"{place}/headers", {name: (value or b"").decode() for name, value in sent.headers}) == []


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_data_of_another_type_are_refused(kind: str) -> None:
    event = {"eventId": "e", "eventType": kind, "caseId": "c", "occurredAt": "2024-03-01T10:00:00Z"}
    wrong = event | {"schemaVersion": "1.0", "data": {"reason": 5, "allowanceSeconds": -1, "decision": ""}}
    assert complaints("/components/schemas/PlainEvent", wrong) != []


@given(st.data())
def test_control_totals_are_judged_as_ingest_does(data: st.DataObject) -> None:
    total = ControlTotal("urn:s", datetime(2024, 3, 1, tzinfo=UTC).date(), "CaseOpened", 3, datetime.now(UTC), 1)
    body = json.loads(total.value())
    name = data.draw(st.sampled_from(sorted(body)))
    if data.draw(st.booleans()):
        del body[name]
    else:
        # Whether a date of the calendar exists is a matter of `format`, which validators need not judge.
        body[name] = data.draw(MUTANTS.filter(lambda value: not str(value).startswith("2020-02-30")))
    record = KafkaRecord("t", 0, 0, datetime.now(UTC), None, json.dumps(body).encode())
    accepted = isinstance(decode_total(record), ControlTotal)
    assert (complaints("/components/schemas/ControlTotal", body) == []) == accepted, body
