"""What is due, and why not: one level-triggered planner for all datasets, asked as often as anybody likes.

It reads control state only, so that a lost, doubled or reordered event can delay a run but not falsify a figure.
Here belongs the decision. Not here: asking a launcher (sensors), computing (runtime.jobs).
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
from casegold.control.runs import store
from casegold.control.runs.claimed_tables import is_published
from casegold.control.versions import holds, listing, pins, versions
from casegold.domain.contract import Contracts, DatasetContract
from casegold.domain.sql import query

ROOM = "casegold.control.planning"

ONE_DAY = timedelta(days=1)
_UNSEEN = "published, but no contract describes it here: is CASEGOLD_PRODUCTS_DIR set as it was, and its folder there?"


def plan(control: ControlDb, contracts: Contracts, transforms: Mapping[str, str], asked_by: str) -> list[RunManifest]:
    """Ask for every run that is due; the open manifests of all gold and report datasets.

    Args:
        transforms: version of each transform that a contract names.
    """
    with control.write("plan") as connection:
        take_lock(connection, Lock.PLAN)
        store.reap(connection)
        backfill_steps.advance(connection, asked_by)
        register = register_of(connection)
        if register is not None:
            shadows.ask(connection, contracts, register.first, asked_by)
        busy = {row["dataset"] for row in connection.execute(query(ROOM, "planner_busy"))}
        manifests = []
        for decision in decide(connection, contracts, transforms):
            if isinstance(decision, NotDue) or decision.dataset in busy:
                continue
            contract = contracts[decision.dataset]
            if needs_approval(contract, decision):
                onwards = contract.reads_sequence
                backfill_requests.ask(connection, decision.dataset, decision.partitions, decision.why, onwards=onwards)
                continue
            manifest = store.request(connection, request_for(contract, decision, transforms, asked_by))
            if manifest is not None:
                manifests.append(manifest)
        return manifests


def request_for(contract: DatasetContract, due: Due, transforms: Mapping[str, str], asked_by: str) -> ManifestRequest:
    """The manifest of a due range; a backfill's where one is under way, with whatever else is due in it."""
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
    """The run of exactly this due range that failed or was cancelled; a person retries it, the planner does not."""
    wanted = request_for(contracts[due.dataset], due, transforms, "")
    found = store.find(connection, store.run_id_of(wanted))
    return found if found is not None and found.state in {RunState.FAILED, RunState.CANCELLED} else None


def decide(connection: Connection, contracts: Contracts, transforms: Mapping[str, str]) -> list[Decision]:
    """The decision for every computed dataset, each after its inputs; then what is published and not described here."""
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
    """Whether the planner asks for this dataset: it has partitions and is made from others by a transform."""
    return contract.partition_column is not None and bool(contract.inputs) and is_published(contract.dataset)


def needs_approval(contract: DatasetContract, due: Due) -> bool:
    """Whether people have to agree first: too many official partitions change that no backfill covers."""
    return due.must_ask or due.unapproved > contract.max_partitions_automatic


def _decide_range(
    connection: Connection,
    contract: DatasetContract,
    register: Register,
    transform_version: str,
    under_way: UnderWay | None,
) -> Decision:
    """The range from the first dirty or unpublished date to the latest closed one, cut before what is held.

    A backfill makes its dates due, too; everything that is due meanwhile is computed with it.
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
        # Dates that were never published may stay behind; published ones change all together or not at all.
        if held.first <= first or _published_from(connection, dataset, held.first):
            return NotDue(dataset, f"held from {held.first}: {reason}", unsettled_from=first)
        partitions = PartitionRange(first, held.first - ONE_DAY)
    return _range_due(connection, contract, register, partitions, under_way)


def _pinned(connection: Connection, dataset: str, first: date, pin: pins.Pin) -> NotDue:
    """Nothing moves beside a pin: published dates change all together, and a date carries rows of the one before it.

    Pinned dates are built upon all the same: a person said that they are official.
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
        "previous_version": versions.current_of(connection, dataset, first - ONE_DAY),
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
    """Published partitions of a range."""
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
