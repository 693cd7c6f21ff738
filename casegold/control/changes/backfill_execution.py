"""Beginning an approved backfill: compares its plan with the current state; begins it once, or refuses.

Not here: approvals and their rules (the database), the next steps (`backfill_steps`, `planning.planner`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.changes import approvals, backfill_plan, replay_plan, shadows
from casegold.control.changes.approvals import Answer, BackfillRequest
from casegold.control.changes.backfill_plan import Wanted
from casegold.control.days.register import closed_register
from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.model import Mode, PartitionRange
from casegold.domain.contract import Contracts
from casegold.domain.sql import query

ROOM = "casegold.control.changes"


@dataclass(frozen=True, slots=True)
class Begun:
    """A begun backfill. `new_dates` closed since it was planned and are computed with it."""

    answer: Answer
    new_dates: PartitionRange | None


def begin(
    control: ControlDb, contracts: Contracts, transforms: Mapping[str, str], asked: BackfillRequest, digest: str
) -> Begun:
    """Begin an approved backfill if everything that its figures depend on is as planned.

    Raises:
        Refused: it is not approved, its approved plan has another digest, its inputs changed, or another backfill of
            the dataset is under way. The attempt is in the audit trail.
        ConfigurationError: no date of its range is closed.
    """
    with control.write("backfill-step") as connection:
        # The planner decides by what is under way: with its lock it sees the state before or after this step.
        take_lock(connection, Lock.PLAN)
        asked = _locked(connection, asked)
        refusal, new_dates = _judge(connection, contracts, transforms, asked)
        if asked.state == "APPROVED" and refusal:
            parameters: dict[str, Any] = {"attempt": "begin", "why": "; ".join(refusal), "detail": Jsonb({})}
            statement = "backfill_refuse"
        else:
            parameters, statement = {"digest": digest}, "call_backfill_begin"
        (row,) = connection.execute(query(ROOM, statement), parameters | {"id": asked.backfill_run_id}).fetchall()
    return Begun(approvals.answer_of(row), new_dates)


def _locked(connection: Connection, asked: BackfillRequest) -> BackfillRequest:
    """The current request, locked until the transaction ends."""
    (row,) = connection.execute(query(ROOM, "backfill_lock"), {"id": asked.backfill_run_id}).fetchall()
    return replace(asked, **row)


def _judge(
    connection: Connection, contracts: Contracts, transforms: Mapping[str, str], asked: BackfillRequest
) -> tuple[list[str], PartitionRange | None]:
    """The reasons why it may not begin, and the dates that closed since it was planned."""
    if asked.state != "APPROVED" or asked.plan is None:
        return [], None
    if asked.mode == Mode.REPLAY:
        return replay_plan.judge(connection, contracts, asked), None
    try:
        planned = _Planned.of(asked.plan)
    except (KeyError, TypeError, ValueError) as error:
        return [f"its plan was not made by `casegold backfill plan`: {error!r}"], None
    reasons = []
    like = {"dataset": asked.dataset, "mode": asked.mode, "id": asked.backfill_run_id}
    other = connection.execute(query(ROOM, "backfill_other"), like).fetchone()
    if other is not None:
        reasons.append(f"{other['backfill_run_id']} of the same dataset is {other['state']}: one at a time")
    wanted = Wanted(asked.dataset, PartitionRange(asked.first, asked.last), Mode(asked.mode), planned.promotes)
    now = backfill_plan.make(connection, contracts, transforms, wanted, (planned.admitted_seq, planned.last))
    reasons += _differences(asked.plan, now.as_json())
    contract = contracts[asked.dataset]
    if wanted.mode is Mode.SHADOW:
        # A shadow is computed at the plan's pins: later facts do not change it.
        first_date, partitions = closed_register(connection).first, PartitionRange(now.first, now.last)
        return reasons + shadows.why_not_computed(connection, contract, first_date, partitions), None
    if now.promotes is not None:
        reasons += shadows.why_not_promoted(connection, contract, now.promotes, asked.plan)
    end = contract.period(planned.last)[1]
    later = {"admitted_seq": planned.admitted_seq, "last": end}
    (facts,) = connection.execute(query(ROOM, "backfill_later_facts"), later).fetchall()
    if facts["facts"]:
        reasons.append(f"{facts['facts']} facts that came since change dates up to {end}")
    latest = backfill_plan.make(connection, contracts, transforms, wanted).last
    if latest <= planned.last:
        return reasons, None
    new = PartitionRange(end + timedelta(days=1), latest)
    if len(contract.partitions_between(new.first, new.last)) > contract.max_partitions_automatic:
        most = contract.max_partitions_automatic
        reasons.append(f"{new} closed since it was planned: more than the {most} that need no approval")
    return reasons, new


@dataclass(frozen=True, slots=True)
class _Planned:
    """The pins of a stored plan."""

    admitted_seq: int
    last: date
    promotes: str | None

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> _Planned:
        promotes = plan.get("promotes")
        return cls(
            int(plan["pins"]["admitted_seq"]),
            date.fromisoformat(plan["last"]),
            None if promotes is None else str(promotes["backfill_run_id"]),
        )


def _differences(planned: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A sentence for each input of the figures that is not as planned."""
    pairs = {
        "the dataset": ("dataset",),
        "the first partition": ("first",),
        "the mode": ("mode",),
        "the number of published partitions": ("pins", "published"),
        "the digest of their current versions": ("pins", "versions"),
        "the transform": ("pins", "transform"),
        "the contract": ("pins", "contract"),
        "the number of held facts": ("facts", "count"),
        "the digest of held facts": ("facts", "digest"),
        "the digest of the shadow": ("promotes", "digest"),
    }
    return [
        f"{name} was {_short(_at(planned, path))}, is {_short(_at(now, path))}"
        for name, path in pairs.items()
        if _at(planned, path) != _at(now, path)
    ]


def _at(plan: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        plan = plan.get(name) if isinstance(plan, Mapping) else None
    return plan


def _short(value: Any) -> str:
    """A value for people: digests are shortened."""
    texts = [str(each)[:12] for each in value] if isinstance(value, list) else [str(value)[:24]]
    return " ".join(texts)
