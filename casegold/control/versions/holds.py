"""Holds: why partitions are stopped, the fingerprint that keeps a gate's hold in force, and release by a person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casegold.control.db import Connection
from casegold.control.model import PartitionRange
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class JudgedAt:
    """What a run certainly knew when its gate judged: its pins, and the decisions made before its request."""

    admitted_seq: int | None
    totals_seq: int | None
    waivers: tuple[int, ...]
    requested_at: datetime


Inputs = Mapping[str, Any]
"""For a dataset made from partitions: partition key -> [dataset, partition, version] of each input."""


def standing(
    connection: Connection,
    contract: DatasetContract,
    transform_version: str,
    within: PartitionRange,
    inputs: Inputs | None = None,
) -> list[tuple[PartitionRange, str]]:
    """Holds in force within a range, with their reasons, ordered by first partition.

    A gate's hold is in force while the input of its checks is unchanged; any other until a person releases it.
    """
    rows = connection.execute(
        query(ROOM, "hold_open_within"), {"dataset": contract.dataset, "first": within.first, "last": within.last}
    )
    found = []
    for row in rows.fetchall():
        held = PartitionRange(row["partition_from"], row["partition_to"])
        now = fingerprint(connection, contract, transform_version, held, inputs)
        if row["kind"] != "GATE" or row["fingerprint"] == now:
            found.append((held, str(row["reason"])))
    return found


def fingerprint(
    connection: Connection,
    contract: DatasetContract,
    transform_version: str,
    held: PartitionRange,
    inputs: Inputs | None = None,
    judged_at: JudgedAt | None = None,
) -> str:
    """A digest of everything that can change the gate's verdict: an equal digest means an equal verdict.

    It covers facts and decisions up to the range's end, totals and conflicts within it, waivers, contract and
    transform; for a dataset made from partitions, the versions of its inputs instead of facts.

    Args:
        judged_at: restricts all this to what a run knew, so that later input changes the digest. None = now.
    """
    read: dict[str, Any] = {
        "contract": contract_scope(contract),
        "transform": transform_version,
        "waivers": [
            waiver
            for waiver in waivers(connection, contract.dataset, held)
            if judged_at is None or waiver in judged_at.waivers
        ],
    }
    if inputs is None:
        parameters = {
            "first": held.first,
            "last": held.last,
            "admitted_seq": judged_at.admitted_seq if judged_at else None,
            "totals_seq": judged_at.totals_seq if judged_at else None,
            "as_of": judged_at.requested_at if judged_at else None,
        }
        read["facts"] = connection.execute(query(ROOM, "hold_fingerprint"), parameters).fetchone()
    else:
        first, last = held.first.isoformat(), held.last.isoformat()
        read["inputs"] = {key: inputs[key] for key in sorted(inputs) if first <= key <= last}
    return digest_of(read)


@dataclass(frozen=True, slots=True)
class GateHold:
    """The hold of a closed gate, from the first failing partition to the last one judged."""

    partitions: PartitionRange
    reason: str
    fingerprint: str


def settle_gate(
    connection: Connection, dataset: str, judged: PartitionRange, run_id: str, held: GateHold | None
) -> bool:
    """Set the gate's holds of the judged partitions by the verdict: one hold if the gate is closed, otherwise none.

    Returns:
        True if the hold is new, so that the caller announces a failure only once.
    """
    parameters: dict[str, Any] = {"dataset": dataset, "first": judged.first, "last": judged.last, "run_id": run_id}
    parameters |= {"held_first": held.partitions.first if held else None}
    parameters |= {"held_last": held.partitions.last if held else None}
    connection.execute(query(ROOM, "hold_release_judged"), parameters)
    if held is None:
        return False
    parameters |= {"reason": held.reason, "fingerprint": held.fingerprint}
    return connection.execute(query(ROOM, "hold_gate"), parameters).fetchone() is not None


def release(connection: Connection, hold_id: int, person: str, reason: str) -> None:
    """Release a hold: the planner plans its range again. A gate that still fails makes a new hold.

    Raises:
        ConfigurationError: there is no such open hold.
    """
    parameters = {"hold_id": hold_id, "person": person, "reason": reason}
    if connection.execute(query(ROOM, "hold_release"), parameters).rowcount == 0:
        raise ConfigurationError(f"there is no open hold {hold_id}", remedy="`casegold holds` lists them")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def contract_scope(contract: DatasetContract) -> list[str]:
    """What a run pins of a contract."""
    return [contract.version, contract.digest]


def waivers(connection: Connection, dataset: str, within: PartitionRange) -> list[int]:
    """The ids of approved waivers that overlap a range."""
    parameters = {"dataset": dataset, "first": within.first, "last": within.last}
    return [row["waiver_id"] for row in connection.execute(query(ROOM, "hold_waivers"), parameters)]


def covers(held: PartitionRange, partition: date) -> bool:
    return held.first <= partition <= held.last
