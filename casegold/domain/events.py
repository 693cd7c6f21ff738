"""The domain events as types, and the rejection of a record that is not an event.

Not here: reading them (`payload`, `casegold.source.codec`), identity and digests (`identity`).
The JSON Schemas in `contracts/events` are the source of truth; a test compares these classes with them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

DEFAULT_SOURCE = "urn:regulator:case-system"
"""The default source of plain records, the simulator and the shipped mappings."""
MAX_IDENTIFIER = 256
MAX_TEXT = 4096

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_IDENTIFIER)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Level = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=10**10)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class EventType(StrEnum):
    CASE_OPENED = "CaseOpened"
    EVIDENCE_RECEIVED = "EvidenceReceived"
    CASE_ASSIGNED = "CaseAssigned"
    CASE_ESCALATED = "CaseEscalated"
    BREACH_CLOCK_STARTED = "BreachClockStarted"
    BREACH_CLOCK_PAUSED = "BreachClockPaused"
    DECISION_ISSUED = "DecisionIssued"
    CASE_CLOSED = "CaseClosed"
    CASE_CORRECTED = "CaseCorrected"


EVENT_TYPES: tuple[str, ...] = tuple(kind.value for kind in EventType)


class ProcessingMode(StrEnum):
    """Why the source sent the event."""

    NORMAL = "NORMAL"
    BACKFILL = "BACKFILL"
    REPLAY = "REPLAY"
    SHADOW = "SHADOW"


class Priority(StrEnum):
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


class CorrectionAction(StrEnum):
    RETRACT = "RETRACT"
    REPLACE = "REPLACE"


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """The `data` of an event."""


class CaseOpened(Payload, frozen=True):
    case_type: Identifier
    jurisdiction: Identifier
    priority: Priority


class EvidenceReceived(Payload, frozen=True):
    evidence_id: Identifier
    kind: Identifier


class CaseAssigned(Payload, frozen=True):
    assignee: Identifier
    team: Identifier


class CaseEscalated(Payload, frozen=True):
    level: Level
    reason: Text


class BreachClockStarted(Payload, frozen=True):
    """Starts the clock with an allowance or a deadline; with neither, resumes it. Both at once are refused."""

    allowance_seconds: Seconds | None = None
    deadline_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.allowance_seconds is not None and self.deadline_at is not None:
            raise ValueError("allowanceSeconds and deadlineAt exclude each other")


class BreachClockPaused(Payload, frozen=True):
    reason: Text


class DecisionIssued(Payload, frozen=True):
    """A penalty requires a currency."""

    decision: Identifier
    penalty_amount: Decimal | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        if self.penalty_amount is not None and self.currency is None:
            raise ValueError("penaltyAmount needs currency")


class CaseClosed(Payload, frozen=True):
    reason: Text


class ReplacementData(Payload, frozen=True):
    """The data of a replacement: the fields of all event types except `CaseCorrected`."""

    case_type: Identifier | None = None
    jurisdiction: Identifier | None = None
    priority: Priority | None = None
    evidence_id: Identifier | None = None
    kind: Identifier | None = None
    assignee: Identifier | None = None
    team: Identifier | None = None
    level: Level | None = None
    reason: Text | None = None
    allowance_seconds: Seconds | None = None
    deadline_at: datetime | None = None
    decision: Identifier | None = None
    penalty_amount: Decimal | None = None
    currency: Currency | None = None


class Replacement(Payload, frozen=True):
    occurred_at: datetime
    data: ReplacementData


class CaseCorrected(Payload, frozen=True):
    """Retracts or replaces an earlier event of the same source."""

    corrected_event_id: Identifier
    action: CorrectionAction
    reason: Text
    replacement: Replacement | None = None
    approved_by: Identifier | None = None

    def __post_init__(self) -> None:
        if (self.action is CorrectionAction.REPLACE) != (self.replacement is not None):
            raise ValueError("replacement is required for REPLACE and refused for RETRACT")


PAYLOADS: dict[EventType, type[Payload]] = {
    EventType.CASE_OPENED: CaseOpened,
    EventType.EVIDENCE_RECEIVED: EvidenceReceived,
    EventType.CASE_ASSIGNED: CaseAssigned,
    EventType.CASE_ESCALATED: CaseEscalated,
    EventType.BREACH_CLOCK_STARTED: BreachClockStarted,
    EventType.BREACH_CLOCK_PAUSED: BreachClockPaused,
    EventType.DECISION_ISSUED: DecisionIssued,
    EventType.CASE_CLOSED: CaseClosed,
    EventType.CASE_CORRECTED: CaseCorrected,
}


class CaseEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable fact about one case. Identity is `(source, id)`; instants are UTC."""

    source: str
    id: str
    type: EventType
    case_id: str
    occurred_at: datetime
    emitted_at: datetime
    data: Payload
    data_json: str
    """The complete `data`, including unknown fields, as canonical JSON (`identity.canonical_json`)."""
    sequence: int = 0
    schema_version: str = "1.0"
    mode: ProcessingMode = ProcessingMode.NORMAL
    backfill_run_id: str | None = None
    source_position: str | None = None


class RejectReason(StrEnum):
    """Why a record is not a fact. The ingest, which knows the contract and earlier facts, gives CONFLICT and below."""

    UNDECODABLE = "UNDECODABLE"
    INVALID = "INVALID"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    CONFLICT = "CONFLICT"
    BEFORE_FIRST_DATE = "BEFORE_FIRST_DATE"
    BEYOND_MAX_FUTURE = "BEYOND_MAX_FUTURE"
    UNKNOWN_SOURCE = "UNKNOWN_SOURCE"
    """The contract does not declare the source: nobody is responsible for its facts, so they never count."""
    DATE_NOT_OVER = "DATE_NOT_OVER"
    """A control total that was taken before its date ended: it cannot cover the whole date."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not a fact, with the fields that could be read; `detail` names the wrong field."""

    reason: RejectReason
    detail: str
    source: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    case_id: str | None = None
    occurred_at: datetime | None = None
    emitted_at: datetime | None = None
