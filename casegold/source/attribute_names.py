"""Names of the event attributes in each encoding. Not here: reading and writing them (`codec`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an encoding uses for the attributes of an event."""

    source: str
    id: str
    type: str
    case: str
    occurred: str
    emitted: str
    sequence: str
    version: str
    mode: str
    backfill: str
    position: str


PLAIN = Names(
    "",
    "eventId",
    "eventType",
    "caseId",
    "occurredAt",
    "emittedAt",
    "sequence",
    "schemaVersion",
    "processingMode",
    "backfillRunId",
    "sourcePosition",
)
CLOUD = Names(
    "source",
    "id",
    "type",
    "subject",
    "time",
    "emittedat",
    "sequence",
    "dataschema",
    "processingmode",
    "backfillrunid",
    "sourceposition",
)
