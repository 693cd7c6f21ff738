"""What a producer should do about a rejected record, and which field is wrong. Not here: rejecting."""

from __future__ import annotations

import re

from casegold.domain.events import Rejection, RejectReason

REMEDIES: dict[RejectReason, str] = {
    RejectReason.UNDECODABLE: "send one JSON object in UTF-8, each key once, of at most 1 MiB, without NUL characters",
    RejectReason.INVALID: "correct the field by its schema in contracts, then send it again, events under the same id",
    RejectReason.UNKNOWN_TYPE: "send one of the event types, spelt as in contracts/events",
    RejectReason.UNKNOWN_VERSION: "send schema version 1; or send again once the platform reads the newer one",
    RejectReason.CONFLICT: (
        "one id, one content: send another fact under an id of its own, take one back by CaseCorrected;"
        " give recounted totals a higher revision"
    ),
    RejectReason.BEFORE_FIRST_DATE: "correct the instant, or have `firstDate` of the contracts set earlier; send again",
    RejectReason.BEYOND_MAX_FUTURE: "correct the instant and the sender's clock, then send again",
    RejectReason.UNKNOWN_SOURCE: (
        "have the source declared under `sources` of the contract of gold/case_daily_snapshot, then send again;"
        " CASEGOLD_PLAIN_SOURCE names the source of plain events"
    ),
    RejectReason.DATE_NOT_OVER: "count a date after its end in the business time zone, then send a higher revision",
}
"""Reject reason -> what to change so that the next try is accepted."""

_WITHIN = re.compile(r"at `\$(\.[^`]+)`$")
_MISSING = re.compile(r"missing required field `([^`]+)`")


def field_of(rejection: Rejection) -> str:
    """The field that is wrong: a detail begins with its name, followed by the place inside it."""
    if rejection.reason is RejectReason.UNDECODABLE:
        return "value"
    name, _, rest = rejection.detail.partition(": ")
    within, missing = _WITHIN.search(rest), _MISSING.search(rest)
    return name + (within[1] if within else "") + (f".{missing[1]}" if missing else "")
