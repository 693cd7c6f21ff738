"""Acts on the gate's verdict: records it, holds and announces what is closed, and says what may be published.

Not here: the checks (`quality`) and their inputs (the jobs).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection
from casegold.control.model import Claim, PartitionRange, RunManifest
from casegold.control.runs import claims
from casegold.control.versions import holds, quality_results
from casegold.domain.contract import DatasetContract
from casegold.domain.sql import query
from casegold.jobs.outcome import CheckOutcome
from casegold.quality.results import CheckResult, CheckStatus
from casegold.quality.verdict import Verdict, Waiver
from casegold.runtime.platform import Platform
from casegold.sink.outbox import announce

ROOM = "casegold.jobs"


def publishable(verdict: Verdict, published: Collection[date]) -> tuple[date, ...]:
    """The partitions that may be published now.

    Partitions that already have a version change all together or not at all. Of partitions that were never published,
    the longest prefix that passes may be published.
    """
    prefix = verdict.passing_prefix()
    judged = {judged.partition for judged in verdict.partitions}
    return prefix if judged.intersection(published) <= set(prefix) else ()


def waivers(platform: Platform, manifest: RunManifest) -> tuple[Waiver, ...]:
    """The approved waivers that the run's scope pins."""
    with platform.control.read() as connection:
        rows = connection.execute(query(ROOM, "gate_waivers"), {"waivers": manifest.scope["waivers"]})
        return tuple(Waiver(row["check_name"], row["partition_from"], row["partition_to"]) for row in rows)


def record(platform: Platform, claim: Claim, verdict: Verdict) -> None:
    """Store every check result of this verdict, passed or not, before anything is published because of it."""
    with platform.control.write("audit-record") as connection:
        claims.assert_claim(connection, claim)
        quality_results.record(connection, [_row(claim, result) for result in verdict.results])


def settle(
    platform: Platform,
    claim: Claim,
    manifest: RunManifest,
    contract: DatasetContract,
    verdict: Verdict,
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Hold the closed partitions, release the others, and announce a failure if it is a new one."""
    closed = verdict.closed()
    judged = PartitionRange(verdict.partitions[0].partition, verdict.partitions[-1].partition)
    with platform.control.write("gate-settle") as connection:
        claims.assert_claim(connection, claim)
        held = None
        if closed:
            partitions = PartitionRange(closed[0].partition, closed[-1].partition)
            judged_at = holds.JudgedAt(
                manifest.scope.get("admitted_seq"),
                manifest.scope.get("totals_seq"),
                tuple(manifest.scope["waivers"]),
                manifest.requested_at,
            )
            print_ = holds.fingerprint(connection, contract, manifest.transform_version, partitions, inputs, judged_at)
            held = holds.GateHold(partitions, reason_of(verdict), print_)
        if holds.settle_gate(connection, contract.dataset, judged, claim.run_id, held) and held is not None:
            _announce(connection, contract, claim, held, verdict)


def tolerated(verdict: Verdict, partitions: Collection[date]) -> tuple[dict[str, Any], ...]:
    """By check: which of these partitions failed within the contract's tolerance. Announced with their version."""
    found: dict[str, list[CheckResult]] = {}
    for result in verdict.results:
        if result.status is CheckStatus.TOLERATED and result.partition in partitions:
            found.setdefault(result.check, []).append(result)
    return tuple(
        {
            "check": check,
            "partitions": len(results),
            "partitionFrom": results[0].partition.isoformat(),
            "partitionTo": results[-1].partition.isoformat(),
            "failures": sum(result.failures for result in results),
            "reason": results[0].detail,
        }
        for check, results in sorted(found.items())
    )


def reason_of(verdict: Verdict) -> str:
    """One line for a list of holds: the reasons of the first closed partition, and how many more there are."""
    closed = verdict.closed()
    more = f" (and {len(closed) - 1} more partitions)" if len(closed) > 1 else ""
    return f"{closed[0].partition}: {'; '.join(closed[0].reasons)}{more}"


def _announce(
    connection: Connection, contract: DatasetContract, claim: Claim, held: holds.GateHold, verdict: Verdict
) -> None:
    payload = {
        "eventType": "QualityViolationDetected",
        "datasetId": contract.dataset,
        "runId": claim.run_id,
        "partitionFrom": held.partitions.first.isoformat(),
        "partitionTo": held.partitions.last.isoformat(),
        "fingerprint": held.fingerprint,
        "violations": [
            {"partition": judged.partition.isoformat(), "reasons": list(judged.reasons)}
            for judged in verdict.closed()[:20]
        ],
    }
    announce(
        connection,
        aggregate_type="dataset",
        aggregate_id=contract.dataset,
        event_type="QualityViolationDetected",
        key=f"{claim.run_id}/{held.fingerprint}",
        payload=payload,
    )


def outcomes_of(verdict: Verdict) -> dict[date, tuple[CheckOutcome, ...]]:
    """The check results by partition, for the outcome of a run."""
    found: dict[date, list[CheckOutcome]] = {judged.partition: [] for judged in verdict.partitions}
    for result in verdict.results:
        found[result.partition].append(
            CheckOutcome(
                check=result.check,
                required=result.required,
                status=result.status.value,
                failures=result.failures,
                expected=result.expected,
                actual=result.actual,
                detail=result.detail,
                sample=result.sample,
            )
        )
    return {partition: tuple(results) for partition, results in found.items()}


def _row(claim: Claim, result: CheckResult) -> dict[str, Any]:
    return {
        "run_id": claim.run_id,
        "attempt": claim.attempt,
        "partition": result.partition,
        "check": result.check,
        "required": result.required,
        "status": result.status.value,
        "failures": result.failures,
        "expected": result.expected,
        "actual": result.actual,
        "detail": result.detail,
        "sample": Jsonb(list(result.sample)),
    }
