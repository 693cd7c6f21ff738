"""What is due, and why the rest is not: one level-triggered, idempotent planner for all datasets.

It reads control state only, so a lost, duplicated or reordered event can delay a run but never falsify a figure.
Not here: launching runs (`scheduling`, `sensors`), computing (`jobs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from casegold.control.changes import backfill_requests, backfill_steps, shadows
from casegold.control.changes.backfill_steps import UnderWay
from casegold.control.days.register import Register, register_of
from casegold.control.db import Connection, ControlDb, Lock, take_lock
from casegold.control.model import (
    BACKFILL_RUN_ID,
    ManifestRequest,
    Mode,
    PartitionRange,
    Pipeline,
    RunManifest,
    RunState,
)
from casegold.control.planning import periods
from casegold.control.planning.decisions import Decision, Due, NotDue, unsettled_from
from casegold.control.runs import attempts, manifests
from casegold.control.runs.claimed_tables import is_published
from casegold.control.versions import holds, listing, official_state, pins
from casegold.domain.contract import Contracts, DatasetContract
from casegold.domain.sql import query

ROOM = "casegold.control.planning"

ONE_DAY = timedelta(days=1)
_UNSEEN = "published, but no contract describes it here: is CASEGOLD_PRODUCTS_DIR set as it was, and its folder there?"


def plan(control: ControlDb, contracts: Contracts, transforms: Mapping[str, str], asked_by: str) -> list[RunManifest]:
    """Request every run that is due. Returns their manifests.

    Args:
        transforms: the version of each transform that a contract names.
    """
    with control.write("plan") as connection:
        take_lock(connection, Lock.PLAN)
        attempts.reap(connection)
        backfill_steps.advance(connection, asked_by)
        register = register_of(connection)
        if register is not None:
            shadows.ask(connection, contracts, register.first, asked_by)
        busy = {row["dataset"] for row in connection.execute(query(ROOM, "planner_busy"))}
        wanted = []
        for decision in decide(connection, contracts, transforms):
            if isinstance(decision, NotDue) or decision.dataset in busy:
                continue
            contract = contracts[decision.dataset]
            if needs_approval(contract, decision):
                onwards = contract.reads_sequence
                backfill_requests.ask(connection, decision.dataset, decision.partitions, decision.why, onwards=onwards)
                continue
            manifest = manifests.request(connection, request_for(contract, decision, transforms, asked_by))
            if manifest is not None:
                wanted.append(manifest)
        return wanted


def request_for(contract: DatasetContract, due: Due, transforms: Mapping[str, str], asked_by: str) -> ManifestRequest:
    """The request for a due range; it belongs to the backfill under way, if any, and covers what else is due."""
    under_way = due.backfill
    causes = () if under_way is None else (backfill_steps.cause_of(under_way),)
    return ManifestRequest(
        pipeline=due.pipeline,
        dataset=due.dataset,
        scope=due.scope,
        transform_version=transforms[contract.transform],
        requested_by=asked_by,
        partitions=due.partitions,
        mode=Mode.NORMAL if under_way is None else Mode.BACKFILL,
        parameters={} if under_way is None else {BACKFILL_RUN_ID: under_way.backfill_run_id},
        caused_by=(*causes, due.why),
    )


def ended_run(
    connection: Connection, contracts: Contracts, due: Due, transforms: Mapping[str, str]
) -> RunManifest | None:
    """The failed or cancelled run of exactly this range, if any: a person may retry it, the planner does not."""
    wanted = request_for(contracts[due.dataset], due, transforms, "")
    found = manifests.find(connection, manifests.run_id_of(wanted))
    return found if found is not None and found.state in {RunState.FAILED, RunState.CANCELLED} else None


def decide(connection: Connection, contracts: Contracts, transforms: Mapping[str, str]) -> list[Decision]:
    """The decision for every computed dataset, each after its inputs; then for what is published but not described."""
    register = register_of(connection)
    restating = backfill_steps.restating(connection)
    decisions: dict[str, Decision] = {}
    for contract in contracts.in_order():
        if not is_computed(contract):
            continue
        if register is None:
            decision: Decision = NotDue(contract.dataset, "no date is closed yet")
        elif contract.reads_sequence:
            transform, under_way = transforms[contract.transform], restating.get(contract.dataset)
            decision = _decide_range(connection, contract, register, transform, under_way)
        else:
            unsettled = [unsettled_from(decisions[ref.dataset]) for ref in contract.inputs]
            earliest = min((day for day in unsettled if day is not None), default=None)
            wanted = periods.Wanted(earliest, restating.get(contract.dataset))
            decision = periods.decide(connection, contract, register, transforms[contract.transform], wanted)
        decisions[contract.dataset] = decision
    unseen = [NotDue(row["dataset"], _UNSEEN) for row in listing.undescribed(connection, contracts)]
    return [*decisions.values(), *unseen]


def is_computed(contract: DatasetContract) -> bool:
    """Whether the planner plans this dataset: it has partitions and a transform computes it from other datasets."""
    return contract.partition_column is not None and bool(contract.inputs) and is_published(contract.dataset)


def needs_approval(contract: DatasetContract, due: Due) -> bool:
    """Whether people must approve first: more official partitions change than may without a backfill."""
    return due.must_ask or due.unapproved > contract.max_partitions_automatic


def _decide_range(
    connection: Connection,
    contract: DatasetContract,
    register: Register,
    transform_version: str,
    under_way: UnderWay | None,
) -> Decision:
    """The range from the first dirty or unpublished date to the latest closed one, cut before a hold.

    A backfill makes its dates due, too; its run also computes everything else that is due.
    """
    dataset = contract.dataset
    row = connection.execute(query(ROOM, "planner_first_dirty"), {"dataset": dataset}).fetchone()
    first = None if row is None else row["first_dirty"]
    if under_way is not None:
        chosen = max(under_way.partitions.first, register.first)
        first = chosen if first is None else min(first, chosen)
    pin = pins.first_pin(connection, dataset)
    if first is None:
        pinned = "" if pin is None else f"; pinned from {pin.first}: {pin.reason}"
        return NotDue(dataset, f"every closed date is published and clean{pinned}")
    if pin is not None:
        return _pinned(connection, dataset, first, pin)
    partitions = PartitionRange(first, register.latest)
    standing = holds.standing(connection, contract, transform_version, partitions)
    if standing:
        held, reason = standing[0]
        # Dates without a version may be left out; published dates change all together or not at all.
        if held.first <= first or _published_from(connection, dataset, held.first):
            return NotDue(dataset, f"held from {held.first}: {reason}", unsettled_from=first)
        partitions = PartitionRange(first, held.first - ONE_DAY)
    return _range_due(connection, contract, register, partitions, under_way)


def _pinned(connection: Connection, dataset: str, first: date, pin: pins.Pin) -> NotDue:
    """A pin stops the whole range: published dates change together, and a date is computed from the one before it.

    Other datasets still use pinned dates: a person made them official.
    """
    why = f"pinned from {pin.first}: {pin.reason}; what changes from {first} on waits for `casegold release {dataset}`"
    return NotDue(dataset, why, unsettled_from=pins.first_unpinned(connection, dataset, first))


def _range_due(
    connection: Connection,
    contract: DatasetContract,
    register: Register,
    partitions: PartitionRange,
    under_way: UnderWay | None,
) -> Due:
    dataset, first = contract.dataset, partitions.first
    restated = _restated(connection, dataset, first, partitions.last)
    fresh = (partitions.last - first).days + 1 - restated
    scope = {
        "partitions": [first.isoformat(), partitions.last.isoformat()],
        "admitted_seq": register.admitted_seq,
        "totals_seq": register.totals_seq,
        "previous_version": official_state.current_of(connection, dataset, first - ONE_DAY),
        "contract": holds.contract_scope(contract),
        "waivers": holds.waivers(connection, dataset, partitions),
    } | pins.scope_of_released(connection, dataset, partitions)
    unapproved, must_ask = restated, False
    if under_way is not None:
        unapproved = _restated(connection, dataset, first, under_way.partitions.first - ONE_DAY)
    elif restated:
        must_ask = (
            connection.execute(query(ROOM, "planner_admitted_unseen"), {"dataset": dataset}).fetchone() is not None
        )
    return Due(
        dataset=dataset,
        pipeline=Pipeline.SNAPSHOT,
        partitions=partitions,
        scope=scope,
        restated=restated,
        fresh=fresh,
        why=_why(connection, dataset, first, restated, fresh),
        unapproved=unapproved,
        must_ask=must_ask,
        backfill=under_way,
    )


def _restated(connection: Connection, dataset: str, first: date, last: date) -> int:
    """The number of published partitions in a range."""
    parameters = {"dataset": dataset, "first": first, "last": last}
    (counts,) = connection.execute(query(ROOM, "planner_range_counts"), parameters).fetchall()
    return int(counts["restated"])


def _published_from(connection: Connection, dataset: str, first: date) -> bool:
    parameters = {"dataset": dataset, "first": first}
    return connection.execute(query(ROOM, "planner_published_from"), parameters).fetchone() is not None


def _why(connection: Connection, dataset: str, first: date, restated: int, fresh: int) -> str:
    if restated == 0:
        return f"{fresh} closed dates without a version, from {first}"
    row = connection.execute(query(ROOM, "planner_dirty_facts"), {"dataset": dataset, "first": first}).fetchone()
    facts = 0 if row is None else row["facts"]
    return f"{facts} facts or new totals change figures from {first} on: {restated} dates restated, {fresh} new"
