"""Why partitions do not move: holds, the fingerprint that a gate's hold stands on, and their release by a person."""

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
    """What a run surely had before it when it judged: its pins, and what was decided when it was asked for."""

    admitted_seq: int | None
    totals_seq: int | None
    waivers: tuple[int, ...]
    requested_at: datetime


Inputs = Mapping[str, Any]
"""Of a dataset made from partitions: partition key -> [dataset, partition, version] of each input."""


def standing(
    connection: Connection,
    contract: DatasetContract,
    transform_version: str,
    within: PartitionRange,
    inputs: Inputs | None = None,
) -> list[tuple[PartitionRange, str]]:
    """Open holds in a range whose reason still stands, with that reason, by first partition.

    A gate's hold stands while what its checks read is unchanged; any other stands until a person releases it.
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
    """A digest of everything that can change the verdict on some partitions: while it stands, so does the verdict.

    Facts and decisions up to the range's end, totals and conflicts within it, waivers, contract and transform; for a
    dataset made from partitions the versions of its inputs instead of facts.

    Args:
        judged_at: cuts all this to what a run judged, so that what arrived meanwhile makes a difference. None = now.
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
    """What a closed gate holds back: from the first failing partition to the last one judged."""

    partitions: PartitionRange
    reason: str
    fingerprint: str


def settle_gate(
    connection: Connection, dataset: str, judged: PartitionRange, run_id: str, held: GateHold | None
) -> bool:
    """Bring the gate's holds of the judged partitions in line with the verdict: one hold where it is closed, else none.

    Returns:
        True where the hold is news, so that the caller announces a failure once and not at every look.
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
    """Close a hold by hand: the planner asks again, and a gate that still fails holds again.

    Raises:
        ConfigurationError: no such open hold.
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
    """Approved waivers that touch a range, by id."""
    parameters = {"dataset": dataset, "first": within.first, "last": within.last}
    return [row["waiver_id"] for row in connection.execute(query(ROOM, "hold_waivers"), parameters)]


def covers(held: PartitionRange, partition: date) -> bool:
    return held.first <= partition <= held.last
