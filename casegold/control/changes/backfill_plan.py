"""The plan of a backfill, from control state alone: what it changes, admits and costs. People approve it by its digest.

Not here: requesting and approving (`approvals`), executing (`backfill_execution`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from casegold.control.changes import admission, shadows
from casegold.control.changes.admission import HeldFacts
from casegold.control.changes.shadows import Promotion
from casegold.control.days.register import Register, closed_register
from casegold.control.db import Connection
from casegold.control.model import Mode, PartitionRange
from casegold.control.versions import holds
from casegold.domain.calendar import days
from casegold.domain.contract import Contracts, DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

MAX_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Pins:
    """What the new figures depend on, as of the plan. `versions`: a digest of the `published` partitions' versions."""

    admitted_seq: int
    totals_seq: int
    published: int
    versions: str
    transform: str
    contract: list[str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The size: rows and bytes of the current versions; minutes by the speed of past runs, None without any."""

    partitions: int
    rows: int
    bytes: int
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Downstream:
    """Partitions of a derived dataset that the planner will check again because of the backfill."""

    dataset: str
    partitions: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a backfill. It computes `first` to `last`: `restated` published and `new` unpublished partitions."""

    dataset: str
    mode: Mode
    first: date
    last: date
    restated: int
    new: int
    facts: HeldFacts
    sample: list[dict[str, Any]]
    pins: Pins
    estimate: Estimate
    downstream: list[Downstream]
    consumers: list[str]
    notifications: str
    promotes: Promotion | None = None

    def as_json(self) -> dict[str, Any]:
        """The plan as it is stored and approved."""
        return {name: _json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was requested. The backfill admits the held facts whose first changed date is in `partitions`."""

    dataset: str
    partitions: PartitionRange
    mode: Mode
    promotes: str | None = None
    """Id of the shadow whose exact figures are to become official."""


def make(
    connection: Connection,
    contracts: Contracts,
    transforms: Mapping[str, str],
    wanted: Wanted,
    pinned: tuple[int, date] | None = None,
) -> Plan:
    """The plan of a backfill in the current state.

    Args:
        pinned: sequence and last date of an earlier plan, to compare it with the current state; None for a new plan.

    Raises:
        ConfigurationError: the dataset is not computed, or no date of the range is closed.
    """
    contract = contracts[wanted.dataset]
    register = closed_register(connection)
    latest = contract.period(pinned[1])[1] if pinned else register.latest
    partitions = _partitions(contract, register, wanted.partitions, latest)
    span = {"dataset": contract.dataset, "first": partitions.first, "last": partitions.last}
    (now,) = connection.execute(query(ROOM, "backfill_plan_versions"), span).fetchall()
    admitted_seq = pinned[0] if pinned else register.admitted_seq
    facts, sample = _facts(connection, contract, wanted, admitted_seq)
    count = len(contract.partitions_between(partitions.first, partitions.last))
    downstream = [] if wanted.mode is Mode.SHADOW else _downstream(contracts, contract, partitions, register)
    changed = [] if wanted.mode is Mode.SHADOW else [contract.dataset, *(each.dataset for each in downstream)]
    return Plan(
        dataset=contract.dataset,
        mode=wanted.mode,
        first=partitions.first,
        last=partitions.last,
        restated=now["count"],
        new=count - now["count"],
        facts=facts,
        sample=sample,
        pins=Pins(
            admitted_seq,
            register.totals_seq,
            now["count"],
            now["digest"],
            transforms[contract.transform],
            holds.contract_scope(contract),
        ),
        estimate=_estimate(connection, contract.dataset, count, now["rows"], now["bytes"]),
        downstream=downstream,
        consumers=sorted({consumer for dataset in changed for consumer in contracts[dataset].consumers}),
        notifications="suppressed" if wanted.mode is not Mode.NORMAL else "sent",
        promotes=_promotion(connection, contract, wanted),
    )


def _promotion(connection: Connection, contract: DatasetContract, wanted: Wanted) -> Promotion | None:
    if wanted.promotes is None:
        return None
    if wanted.mode is not Mode.BACKFILL:
        raise ConfigurationError(f"{wanted.mode} makes nothing official", remedy="a request of mode BACKFILL promotes")
    return shadows.promotion(connection, contract.dataset, wanted.promotes)


def _partitions(contract: DatasetContract, register: Register, asked: PartitionRange, latest: date) -> PartitionRange:
    """The closed partitions of a request; with all later ones if each partition is computed from the one before it."""
    if contract.partition_column is None or not contract.inputs:
        raise ConfigurationError(f"{contract.dataset} is not computed from anything: there is nothing to compute again")
    first = max(asked.first, contract.partition_of(register.first))
    last = latest if contract.reads_sequence else min(asked.last, contract.partition_of(latest))
    while last >= first and contract.period(last)[1] > latest:
        last = contract.partition_of(last - timedelta(days=1))
    if last < first:
        raise ConfigurationError(
            f"no partition of {contract.dataset} {asked} is over and closed",
            remedy=f"closed dates are {register.first} to {register.latest}",
        )
    return PartitionRange(first, last)


def _facts(
    connection: Connection, contract: DatasetContract, wanted: Wanted, admitted_seq: int
) -> tuple[HeldFacts, list[dict[str, Any]]]:
    """The held facts that the backfill admits. None for a shadow, its promotion, or a dataset not made from facts."""
    range_ = wanted.partitions
    if not contract.reads_sequence or wanted.mode is not Mode.BACKFILL or wanted.promotes is not None:
        return HeldFacts(0, holds.digest_of([])), []
    parameters = {"first": range_.first, "last": range_.last, "admitted_seq": admitted_seq, "limit": MAX_SAMPLE}
    sample = connection.execute(query(ROOM, "backfill_plan_sample"), parameters).fetchall()
    return admission.held(connection, range_, admitted_seq), sample


def _estimate(connection: Connection, dataset: str, partitions: int, rows: int, size: int) -> Estimate:
    (pace,) = connection.execute(query(ROOM, "backfill_plan_pace"), {"dataset": dataset}).fetchall()
    per_second = pace["rows_per_second"]
    minutes = round(rows / per_second / 60, 1) if per_second else None
    return Estimate(partitions, rows, size, minutes)


def _downstream(
    contracts: Contracts, contract: DatasetContract, partitions: PartitionRange, register: Register
) -> list[Downstream]:
    """Periods that are over and depend on changed partitions, directly or through other datasets."""
    changed = {contract.dataset: set(contract.partitions_between(partitions.first, partitions.last))}
    found = []
    for other in contracts.downstream_of(contract.dataset):
        if other.partition_column is None:
            continue
        keys = [
            key
            for key in _periods(other, partitions.first, register.latest)
            if any(
                changed[ref.dataset].intersection(other.input_partitions(ref, key))
                for ref in other.inputs
                if ref.dataset in changed
            )
        ]
        changed[other.dataset] = set(keys)
        if keys:
            found.append(Downstream(other.dataset, len(keys), keys[0], keys[-1]))
    return found


def _periods(contract: DatasetContract, first: date, latest: date) -> list[date]:
    """Periods that are over at `latest`, beginning with the one that contains `first`."""
    every = sorted({contract.partition_of(day) for day in days(first, latest)})
    return [key for key in every if contract.period(key)[1] <= latest]


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
