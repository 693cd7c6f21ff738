"""Admission: held facts begin to count. Not here: approving it (`approvals`), restating the dates (planner)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.changes import backfill_requests
from casegold.control.db import Connection
from casegold.control.ingest import commits
from casegold.control.model import Claim, PartitionRange, RunManifest
from casegold.control.runs import claims
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

EventId = tuple[str, str]
"""Source and event id."""


@dataclass(frozen=True, slots=True)
class HeldFacts:
    """The held facts of a range as a plan pins them: their number, and a digest of their ids."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The result of an admission: how many facts count from sequence number `seq` on."""

    seq: int
    facts: int


def held(connection: Connection, dirty_from: PartitionRange, admitted_seq: int) -> HeldFacts:
    """The held facts of commits up to `admitted_seq` whose first changed date is in the range."""
    parameters = {"first": dirty_from.first, "last": dirty_from.last, "admitted_seq": admitted_seq}
    row = connection.execute(query(ROOM, "backfill_plan_facts"), parameters).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return HeldFacts(row["count"], row["digest"])


def approved(connection: Connection, manifest: RunManifest) -> list[dict[str, Any]]:
    """The facts that an admission's approved plan admits: source, event id and type, case id, dirty_from."""
    return connection.execute(query(ROOM, "admission_facts"), {"backfill_run_id": manifest.backfill_run_id}).fetchall()


def done(connection: Connection, run_id: str) -> Admitted | None:
    """What an earlier attempt of the run admitted; None if nothing."""
    row = connection.execute(query(ROOM, "admission_done"), {"run_id": run_id}).fetchone()
    return None if row is None else Admitted(row["seq"], row["facts"])


def admit(
    connection: Connection, manifest: RunManifest, claim: Claim, seq: int, dirty_from: Mapping[EventId, date]
) -> Admitted:
    """Let exactly the facts of the approved plan count from `seq` on. Part of the caller's transaction.

    Args:
        dirty_from: first changed dates that are earlier than the recorded ones, because later corrections moved them.

    Raises:
        Deferred: the backfill is paused or over, or the claim was taken over.
        ConfigurationError: the held facts are no longer those of the plan.
    """
    claims.assert_claim(connection, claim)
    backfill_requests.assert_executing(connection, claim.run_id)
    asked = {"backfill_run_id": manifest.backfill_run_id}
    connection.execute(query(ROOM, "admission_lock"), asked)
    facts = approved(connection, manifest)
    (planned,) = connection.execute(query(ROOM, "admission_planned"), asked).fetchall()
    now = held(connection, PartitionRange(planned["first"], planned["last"]), planned["admitted_seq"])
    if now != HeldFacts(planned["count"], planned["digest"]):
        raise ConfigurationError(
            f"{planned['count']} held facts were approved; the plan's range now has {now.count}, or different ones",
            remedy="somebody has decided on some of them since: request another backfill",
        )
    numbered = asked | {"seq": seq, "run_id": claim.run_id, "attempt": claim.attempt}
    commits.record_admission(connection, numbered, [(row["source"], row["event_id"]) for row in facts])
    dates = Counter(
        min(row["dirty_from"], dirty_from.get((row["source"], row["event_id"]), row["dirty_from"])) for row in facts
    )
    rows = [{"seq": seq, "dirty_from": day, "facts": count, "late": count} for day, count in dates.items()]
    commits.record_dates(connection, rows)
    return Admitted(seq, len(facts))
