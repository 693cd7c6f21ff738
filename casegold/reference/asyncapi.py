"""Writes contracts/asyncapi.yaml (AsyncAPI 3): all topics and messages, in and out. `make asyncapi` runs it.

Topic names are the settings' defaults. Not here: the schemas (`asyncapi_schemas`).
"""

from __future__ import annotations

from typing import Any

import click
import yaml

from casegold.domain.events import EVENT_TYPES
from casegold.reference.asyncapi_schemas import (
    Schema,
    announcement_headers,
    event_headers,
    letter_headers,
    reference,
    request_headers,
    schemas,
)
from casegold.runtime.settings import Settings
from casegold.source.codec import MAJOR, STRUCTURED_CONTENT
from casegold.stream.backfill_requests import TYPE as BACKFILL_REQUESTED

HEAD = "# Written by `make asyncapi` from the JSON Schemas in contracts and from the settings' defaults.\n"
DESCRIPTION = """\
Case systems send events and control totals. casegold announces every published version, every closed gate and every \
step of a backfill or waiver, and sends rejected records to dead-letter topics. Topic names are the defaults of the \
settings. Every message is sent at least once."""
KEY_OF_CASE = "The case id."

Message = dict[str, Any]


def document() -> dict[str, Any]:
    """The document as a dictionary."""
    channels = {**_incoming(), **_outgoing()}
    known = schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "casegold", "version": f"{MAJOR}.0.0", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            f"{action}{name[0].upper()}{name[1:]}": _operation(action, name, channels[name]["messages"])
            for action, names in (("receive", _incoming()), ("send", _outgoing()))
            for name in names
        },
        "components": {"schemas": known},
    }


def page() -> str:
    """The document as YAML."""
    return HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def _incoming() -> dict[str, Any]:
    events = {f"{kind}Binary": _binary(kind) for kind in EVENT_TYPES}
    events["structuredEvent"] = _message("StructuredEvent", "A structured CloudEvent of any type.", key=KEY_OF_CASE)
    events["structuredEvent"]["contentType"] = STRUCTURED_CONTENT
    events["plainEvent"] = _message(
        "PlainEvent",
        "An event of any type in the plain encoding; its source is the setting CASEGOLD_PLAIN_SOURCE.",
        key=KEY_OF_CASE,
    )
    return {
        "caseEvents": _channel("events_topic", events),
        "controlTotals": _channel(
            "totals_topic", {"controlTotal": _message("ControlTotal", "A control total.", key="The source.")}
        ),
        "backfillRequests": _channel("backfill_requests_topic", {"backfillRequest": _request()}),
    }


def _outgoing() -> dict[str, Any]:
    settings = Settings.model_fields
    prefix = str(settings["outbox_topic_prefix"].default)
    datasets = {
        name: _announcement(name, said)
        for name, said in (
            ("DatasetVersionPublished", "A version was published."),
            ("QualityViolationDetected", "A gate is closed."),
            ("DatasetHistoryRestored", "Versions after a backup are void."),
        )
    }
    backfills = {
        name: _announcement(name, said)
        for name, said in (("BackfillStep", "A step of a request."), ("WaiverStep", "A step of a waiver."))
    }
    return {
        "datasets": _channel(f"{prefix}dataset", datasets, "What happened to datasets; in order within a dataset."),
        "backfills": _channel(f"{prefix}backfill", backfills, "Steps of backfills and waivers; in order within each."),
        "caseEventDeadLetters": _channel("events_dlq_topic", {"deadLetter": _letter()}),
        "controlTotalDeadLetters": _channel("totals_dlq_topic", {"deadLetter": _letter()}),
    }


def _channel(setting: str, messages: dict[str, Message], description: str = "") -> dict[str, Any]:
    """A channel for a topic. `setting` is the topic's setting, or its name; then `description` is needed."""
    known = Settings.model_fields.get(setting)
    return {
        "address": setting if known is None else str(known.default),
        "description": description or str(known.description if known else ""),
        "messages": messages,
    }


def _operation(action: str, channel: str, messages: dict[str, Message]) -> dict[str, Any]:
    place = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{name}"} for name in messages],
    }


def _message(payload: str | None, summary: str, *, key: str, headers: Schema | None = None) -> Message:
    message: Message = {"name": payload, "summary": summary} if payload else {"summary": summary}
    if headers is not None:
        message["headers"] = headers
    if payload is not None:
        message["payload"] = reference(payload)
    message["bindings"] = {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}}
    return message


def _binary(kind: str) -> Message:
    return _message(kind, f"{kind} as a binary CloudEvent.", key=KEY_OF_CASE, headers=event_headers(kind))


def _request() -> Message:
    said = "Another system asks for a backfill; people approve or reject it."
    return _message("BackfillRequest", said, key="Any.", headers=request_headers(BACKFILL_REQUESTED))


def _announcement(name: str, summary: str) -> Message:
    of_type = schemas()[name]["properties"]["eventType"]
    headers = announcement_headers(of_type.get("enum") or [of_type["const"]])
    return _message(name, summary, key="The dataset, request or waiver that it is about.", headers=headers)


def _letter() -> Message:
    said = "A rejected record as received; further headers say where it was read and why it was rejected."
    letter = _message(None, said, key="As received.", headers=letter_headers())
    return letter | {"name": "DeadLetter", "contentType": "application/octet-stream"}


class _Plain(yaml.SafeDumper):
    """Writes no YAML aliases: a value that occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


if __name__ == "__main__":
    click.echo(page(), nl=False)
