"""Backfills and waivers under four eyes, by calling functions of the database. Not here: the rules (migrations).

Each step of a person uses that person's own connection, from which the database takes the actor. The database commits a
refusal with its audit row; here it becomes the error `Refused`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from casegold.control.db import ControlDb
from casegold.control.model import PartitionRange
from casegold.domain.errors import ConfigurationError, Refused
from casegold.domain.sql import query

ROOM = "casegold.control.changes"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a step: the id of the request or waiver, its new state, and a message for people."""

    subject: str
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """The current state of a request. Persons are null for the platform; `restated`: partitions published now."""

    backfill_run_id: str
    dataset: str
    first: date
    last: date
    mode: str
    state: str
    reason: str
    note: str | None
    requested_by: str
    requested_person: str | None
    requested_at: datetime
    expires_at: datetime
    planned_by: str | None
    planned_person: str | None
    planned_at: datetime | None
    plan: dict[str, Any] | None
    plan_digest: str | None
    restated: int
    missing_levels: list[int]
    approvals: list[str]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One step or refused attempt, as the database recorded it. `subject` is null if no request was created."""

    subject: str | None
    step: str
    actor: str
    person: str | None
    authenticated_as: str | None
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WaiverRequest:
    """A requested waiver; in force once `approved_at` is set."""

    waiver_id: int
    dataset: str
    first: date
    last: date
    check_name: str
    reason: str
    requested_by: str
    requested_person: str
    requested_at: datetime
    approved_by: str | None
    approved_person: str | None
    approved_at: datetime | None


def request(person: ControlDb, dataset: str, partitions: PartitionRange, mode: str, reason: str) -> Answer:
    """Request a backfill. Like every step of a person, it raises Refused if a rule forbids the step."""
    wanted = {"dataset": dataset, "first": partitions.first, "last": partitions.last, "mode": mode, "reason": reason}
    return _call(person, "call_backfill_ask", wanted)


def submit(person: ControlDb, backfill_run_id: str, plan: Mapping[str, Any]) -> str:
    """Submit the plan of a request for approval; it is final. Returns its digest, which the database computes."""
    return _call(person, "call_backfill_submit", {"id": backfill_run_id, "plan": Jsonb(dict(plan))}).message


def approve(person: ControlDb, backfill_run_id: str, digest: str) -> Answer:
    """Approve exactly the plan with this digest, at the lowest missing level that the person's roles allow."""
    return _call(person, "call_backfill_approve", {"id": backfill_run_id, "digest": digest})


def reject(person: ControlDb, backfill_run_id: str, reason: str) -> Answer:
    """Reject a request for good."""
    return _call(person, "call_backfill_reject", {"id": backfill_run_id, "reason": reason})


def cancel(person: ControlDb, backfill_run_id: str, reason: str) -> Answer:
    """Withdraw a request, or stop its execution for good: the platform takes no further step."""
    return _call(person, "call_backfill_cancel", {"id": backfill_run_id, "reason": reason})


def pause(person: ControlDb, backfill_run_id: str, reason: str) -> Answer:
    """Pause an execution: the platform takes no further step until it is resumed."""
    return _call(person, "call_backfill_pause", {"id": backfill_run_id, "reason": reason})


def resume(person: ControlDb, backfill_run_id: str, reason: str) -> Answer:
    """Resume a paused execution."""
    return _call(person, "call_backfill_resume", {"id": backfill_run_id, "reason": reason})


def begin(control: ControlDb, backfill_run_id: str, digest: str) -> Answer:
    """Begin to execute an approved plan, as the platform. Of concurrent callers exactly one is not refused.

    Raises:
        Refused: the request is not approved, has expired, was begun already, or its approved plan has another digest.
    """
    return _own_step(control, "call_backfill_begin", {"id": backfill_run_id, "digest": digest})


def end(control: ControlDb, backfill_run_id: str, *, succeeded: bool, reason: str) -> Answer:
    """End an execution as COMPLETED or FAILED, as the platform. Raises Refused if it is no longer EXECUTING."""
    return _own_step(control, "call_backfill_end", {"id": backfill_run_id, "succeeded": succeeded, "reason": reason})


def reject_facts(person: ControlDb, events: Sequence[str], reason: str) -> Answer:
    """Reject held facts for good, all of them or none. No figure changes, so one person is enough."""
    return _call(person, "call_facts_reject", {"ids": list(events), "reason": reason})


def request_waiver(person: ControlDb, dataset: str, partitions: PartitionRange, check: str, reason: str) -> Answer:
    """Request a waiver: a required check may fail in a range."""
    wanted = {"dataset": dataset, "first": partitions.first, "last": partitions.last, "check": check, "reason": reason}
    return _call(person, "call_waiver_request", wanted)


def approve_waiver(person: ControlDb, waiver_id: int) -> Answer:
    """Approve a waiver that another person requested."""
    return _call(person, "call_waiver_approve", {"id": waiver_id})


def requests(control: ControlDb, limit: int | None, *, ended_too: bool = False) -> list[BackfillRequest]:
    """Requests, newest first; by default the open ones."""
    return _requests(control, None, limit, ended_too)


def find(control: ControlDb, beginning: str) -> BackfillRequest:
    """The request whose id begins with `beginning`. Raises ConfigurationError unless there is exactly one."""
    found = _requests(control, beginning, 2, True)
    if len(found) != 1:
        raise ConfigurationError(
            f"{'several requests begin' if found else 'no request begins'} with {beginning!r}",
            remedy="`casegold backfill list --all` shows them; give more of the id",
        )
    return found[0]


def audit(control: ControlDb, backfill_run_id: str | None, limit: int | None) -> list[AuditEntry]:
    """Steps and refused attempts of one request or (None) of all, newest first."""
    with _readable():
        rows = control.rows(query(ROOM, "list_backfill_audit"), {"id": backfill_run_id, "limit": limit})
    return [AuditEntry(**row) for row in rows]


def waiver_audit(control: ControlDb, waiver_id: int | None, limit: int | None) -> list[AuditEntry]:
    """Steps and refused attempts of one waiver or (None) of all, newest first."""
    with _readable():
        rows = control.rows(query(ROOM, "list_waiver_audit"), {"id": waiver_id, "limit": limit})
    return [AuditEntry(**row) for row in rows]


def waivers(control: ControlDb, limit: int | None) -> list[WaiverRequest]:
    """Waivers, newest first."""
    with _readable():
        return [WaiverRequest(**row) for row in control.rows(query(ROOM, "list_waivers"), {"limit": limit})]


def _requests(control: ControlDb, beginning: str | None, limit: int | None, ended_too: bool) -> list[BackfillRequest]:
    with _readable():
        rows = control.rows(query(ROOM, "list_backfills"), {"beginning": beginning, "ended": ended_too, "limit": limit})
    return [BackfillRequest(**row) for row in rows]


def _call(person: ControlDb, statement: str, parameters: dict[str, Any]) -> Answer:
    with _readable(), person.write("person-step") as connection:
        (row,) = connection.execute(query(ROOM, statement), parameters).fetchall()
    return answer_of(row)


def _own_step(control: ControlDb, statement: str, parameters: dict[str, Any]) -> Answer:
    with control.write("backfill-step") as connection:
        (row,) = connection.execute(query(ROOM, statement), parameters).fetchall()
    return answer_of(row)


def answer_of(row: dict[str, Any]) -> Answer:
    """The database's answer to a step. Raises Refused if the database refused it."""
    if not row["accepted"]:
        raise Refused(
            row["message"],
            remedy="the attempt is in the audit trail; `casegold backfill status` and `casegold waiver list` show what"
            " is waiting, `casegold user list` who may do what",
        )
    return Answer(row["subject"], row["state"], row["message"])


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except InsufficientPrivilege as error:
        raise Refused(
            f"the database refuses this login: {error.diag.message_primary}",
            remedy="give it a role that the contracts name: `casegold user add`",
        ) from error
