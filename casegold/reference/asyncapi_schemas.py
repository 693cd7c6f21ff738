"""The JSON Schemas of the AsyncAPI document: those in `contracts`, and an event's envelope in each of the encodings.

Not here: channels, messages and operations (`asyncapi`).
"""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from typing import Any

from casegold.domain.events import EVENT_TYPES
from casegold.runtime.shipped import REPOSITORY
from casegold.source.attribute_names import CLOUD, PLAIN

Schema = dict[str, Any]
CONTRACTS = REPOSITORY / "contracts"
DIRECTORIES = ("events", "messages")
ENVELOPE = "Envelope"
IDENTIFIER: Schema = {"type": "string", "minLength": 1, "maxLength": 256}


def schemas() -> dict[str, Schema]:
    """All schemas by name: those of the contracts, and the structured and plain event with the data of each type."""
    found = {
        path.name.partition(".")[0]: _rewritten(json.loads(path.read_text(encoding="utf-8")))
        for directory in DIRECTORIES
        for path in sorted((CONTRACTS / directory).glob("*.v1.json"))
    }
    envelope = found.pop(ENVELOPE)
    found["PlainEvent"] = _with_data(envelope, PLAIN.type)
    structured = _structured(envelope)
    found["StructuredEvent"] = _with_data(structured, CLOUD.type)
    found["EventHeaders"] = _headers(structured)
    return found


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def event_headers(kind: str) -> Schema:
    """The headers of an event of this type in the binary encoding."""
    return {"type": "object", "allOf": [reference("EventHeaders"), {"properties": {"ce_type": {"const": kind}}}]}


def announcement_headers(kinds: list[str]) -> Schema:
    """The headers of an announcement."""
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "eventType": {"enum": kinds},
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string", "format": "uuid", "description": "For deduplication."},
            "ce_type": {"enum": kinds},
            "ce_source": text,
            "ce_subject": text,
            "ce_time": {"type": "string", "format": "date-time"},
            "ce_auditsequence": {
                "type": "string",
                "pattern": "^[0-9]{1,19}$",
                "description": "Number of the audit trail's last link when the event was created.",
            },
            "ce_audithead": {
                "type": "string",
                "pattern": "^[0-9a-f]{64}$",
                "description": "Digest of that link. Keep it to detect an audit trail that was rewritten later.",
            },
            "content-type": {"const": "application/json"},
        },
        "required": ["id", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"],
    }


def request_headers(kind: str) -> Schema:
    """The headers of a request from another system."""
    properties = {"ce_id": IDENTIFIER, "ce_source": IDENTIFIER, "ce_type": {"const": kind}}
    return {"type": "object", "properties": copy.deepcopy(properties), "required": list(properties)}


def letter_headers() -> Schema:
    """The headers that a dead letter has in addition to those received."""
    told = {
        "topic": "Topic that it was read from.",
        "partition": "Partition that it was read from.",
        "offset": "Offset that it was read from.",
        "stage": "The step that rejected it.",
        "exception.class.name": "The reason, such as casegold.INVALID; only for events and control totals.",
        "exception.message": "The reason in words.",
    }
    properties = {f"__connect.errors.{name}": {"type": "string", "description": said} for name, said in told.items()}
    required = [name for name in properties if not name.endswith("class.name")]
    return {"type": "object", "properties": properties, "required": required}


def _structured(envelope: Schema) -> Schema:
    """The envelope with the attribute names of CloudEvents."""
    renamed = {getattr(PLAIN, each.name): getattr(CLOUD, each.name) for each in fields(PLAIN)} | {"data": "data"}
    properties = {renamed[name]: copy.deepcopy(schema) for name, schema in envelope["properties"].items()}
    version = properties[CLOUD.version]
    version["pattern"] = "^(.*:)?" + version["pattern"].removeprefix("^")
    return {
        "title": "StructuredEvent",
        "description": "A structured CloudEvent; `data` follows the schema of its `type`.",
        "type": "object",
        "properties": {"specversion": {"const": "1.0"}, CLOUD.source: copy.deepcopy(IDENTIFIER), **properties},
        "required": ["specversion", CLOUD.source, *(renamed[name] for name in envelope["required"])],
    }


def _headers(structured: Schema) -> Schema:
    """The attributes of a structured event as headers of a binary one; all headers are text."""
    properties = {
        f"ce_{name}": {key: _as_header(key, value) for key, value in schema.items()}
        for name, schema in structured["properties"].items()
        if name != "data"
    }
    properties[f"ce_{CLOUD.sequence}"] = {"type": "string", "pattern": "^[0-9]{1,19}$"}
    return {
        "title": "EventHeaders",
        "description": "The attributes of a binary CloudEvent; the record's value is `data`.",
        "type": "object",
        "properties": properties,
        "required": [f"ce_{name}" for name in structured["required"] if name != "data"],
    }


def _with_data(envelope: Schema, kind: str) -> Schema:
    """An envelope in which `data` must follow the schema of the event's type; `kind` is the type's attribute."""
    return envelope | {
        "oneOf": [{"properties": {kind: {"const": each}, "data": reference(each)}} for each in EVENT_TYPES]
    }


def _as_header(key: str, value: Any) -> Any:
    """A keyword of an attribute's schema, adapted to a header, which is absent instead of null."""
    if key == "type" and isinstance(value, list):
        return "string"
    return [each for each in value if each is not None] if key == "enum" else copy.deepcopy(value)


def _rewritten(schema: Any) -> Any:
    """A schema as part of the document: without its own `$id`, and with references inside the document."""
    if isinstance(schema, list):
        return [_rewritten(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _rewritten(value) for name, value in schema.items() if name not in {"$schema", "$id"}}
    if "$ref" in kept:
        kept["$ref"] = reference(kept["$ref"].split(":")[-2])["$ref"]
    return kept
