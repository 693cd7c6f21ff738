"""The JSON Schemas judge as the typed classes do, and stay compatible with what was released."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from casegold.domain.events import EVENT_TYPES, PAYLOADS, CaseEvent, EventType
from casegold.domain.payload import Invalid, read_payload
from casegold.domain.schema_evolution import WIDER_PATTERNS, Schema, incompatibilities
from casegold.source.codec import KafkaRecord, decode
from tests.source.strategies import MUTANTS, payload_data

EVENTS = Path(__file__).parents[2] / "contracts" / "events"
SCHEMAS: dict[str, Schema] = {
    path.name.split(".")[0]: json.loads(path.read_text()) for path in sorted(EVENTS.glob("*.v1.json"))
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
FORMATS = FormatChecker()


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value.upper()).tzinfo is not None


def schema_accepts(kind: str, data: object) -> bool:
    return Draft202012Validator(SCHEMAS[kind], registry=REGISTRY, format_checker=FORMATS).is_valid(data)


def classes_accept(kind: EventType, data: object) -> bool:
    try:
        read_payload(kind, data)
    except Invalid:
        return False
    return True


def test_every_type_has_a_schema() -> None:
    assert {*EVENT_TYPES, "Envelope"} == SCHEMAS.keys()
    assert set(PAYLOADS) == set(EventType)
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


@given(st.sampled_from(EventType).flatmap(lambda kind: st.tuples(st.just(kind), payload_data(kind))))
def test_valid_data_passes_both(example: tuple[EventType, dict[str, Any]]) -> None:
    kind, data = example
    assert schema_accepts(kind, data)
    assert classes_accept(kind, data)


@given(st.data())
def test_mutated_data_is_judged_equally(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(EventType))
    mutated = copy.deepcopy(data.draw(payload_data(kind)))
    known = sorted(SCHEMAS[kind]["properties"])
    place, name = mutated, data.draw(st.sampled_from(known))
    replacement = mutated.get("replacement")
    if isinstance(replacement, dict) and data.draw(st.booleans()):
        place = data.draw(st.sampled_from([replacement, replacement["data"]]))
        name = data.draw(st.sampled_from([*sorted(place), "priority", "deadlineAt"]))
    if data.draw(st.booleans()):
        place.pop(name, None)
    else:
        place[name] = data.draw(MUTANTS)
    assert schema_accepts(kind, mutated) == classes_accept(kind, mutated), mutated


@given(st.data())
def test_mutated_envelopes_are_judged_equally(data: st.DataObject) -> None:
    envelope: dict[str, Any] = {
        "eventId": "e1",
        "eventType": "CaseClosed",
        "caseId": "c1",
        "occurredAt": "2026-03-01T10:00:00+01:00",
        "schemaVersion": "1.0",
        "data": {"reason": "settled"},
    }
    name = data.draw(st.sampled_from([name for name in SCHEMAS["Envelope"]["properties"] if name != "data"]))
    if data.draw(st.integers(0, 4)):
        envelope[name] = data.draw(MUTANTS)
    else:
        envelope.pop(name, None)
    record = KafkaRecord("t", 0, 0, datetime.now(UTC), None, json.dumps(envelope).encode())
    decoded = isinstance(decode(record, default_source="urn:test"), CaseEvent)
    assert schema_accepts("Envelope", envelope) == decoded, envelope


@pytest.mark.parametrize("path", sorted((EVENTS / "released").glob("*.json")), ids=lambda path: path.name)
def test_released_schemas_stay_compatible(path: Path) -> None:
    current = EVENTS / path.name
    assert current.exists(), f"{path.name} was released and is gone"
    assert incompatibilities(json.loads(path.read_text()), json.loads(current.read_text())) == []


def _drop_field(schema: Schema) -> None:
    del schema["properties"]["caseType"]


def _retype(schema: Schema) -> None:
    schema["properties"]["caseType"]["type"] = "integer"


def _require(schema: Schema) -> None:
    schema["properties"]["channel"] = {"type": "string"}
    schema["required"].append("channel")


def _narrow(schema: Schema) -> None:
    schema["properties"]["priority"]["enum"].remove("URGENT")


def _shorten(schema: Schema) -> None:
    schema["properties"]["caseType"]["maxLength"] = 10


def _close(schema: Schema) -> None:
    schema["additionalProperties"] = False


def _repattern(schema: Schema) -> None:
    schema["properties"]["caseType"]["pattern"] = "^[a-z]+$"


@pytest.mark.parametrize("change", [_drop_field, _retype, _require, _narrow, _shorten, _close, _repattern])
def test_an_incompatible_change_is_found(change: Callable[[Schema], None]) -> None:
    changed = copy.deepcopy(SCHEMAS["CaseOpened"])
    change(changed)
    assert len(incompatibilities(SCHEMAS["CaseOpened"], changed)) == 1


def test_an_optional_field_or_a_wider_enum_is_compatible() -> None:
    changed = copy.deepcopy(SCHEMAS["CaseOpened"])
    changed["properties"]["channel"] = {"type": "string"}
    changed["properties"]["priority"]["enum"].append("CRITICAL")
    changed["properties"]["caseType"]["maxLength"] = 500
    assert incompatibilities(SCHEMAS["CaseOpened"], changed) == []


def test_a_further_alternative_is_compatible_and_a_lost_one_is_not() -> None:
    one, two = {"$ref": "urn:casegold:event:CaseOpened:1"}, {"$ref": "urn:casegold:event:CaseClosed:1"}
    assert incompatibilities({"anyOf": [one]}, {"anyOf": [two, one]}) == []
    assert incompatibilities({"anyOf": [one, two]}, {"anyOf": [two]}) == [f"data: the alternative {one} is gone"]
    assert incompatibilities({}, {"anyOf": [one]}) != []


@given(st.sampled_from(sorted(WIDER_PATTERNS)).flatmap(lambda old: st.tuples(st.just(old), st.from_regex(old))))
def test_a_wider_pattern_accepts_all_that_the_released_one_does(example: tuple[str, str]) -> None:
    old, text = example
    text = text.removesuffix("\n")  # Python's `$` lets a line end pass
    assert re.search(WIDER_PATTERNS[old], text)


def test_a_pattern_changes_only_as_entered() -> None:
    ((old, new),) = WIDER_PATTERNS.items()
    assert incompatibilities({"pattern": old}, {"pattern": new}) == []
    assert incompatibilities({"pattern": new}, {"pattern": old}) != []
    assert incompatibilities({"pattern": old}, {"pattern": new.replace("{1,9}", "{1,3}")}) != []
