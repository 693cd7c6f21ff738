"""The second half of every run that makes a dataset: record the verdict, publish what passed, hold the rest, report.

Not here: computing and judging, which differ for each dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import polars as pl

from casegold.control.changes import shadows
from casegold.control.model import Claim, RunManifest
from casegold.control.runs import claims
from casegold.control.versions import commit, official_state
from casegold.control.versions.model import (
    NewVersion,
    PartitionState,
    Seen,
    VersionArtifact,
    VersionFile,
    VersionInput,
    VersionPartition,
    short_id,
)
from casegold.domain.contract import DatasetContract, InputMapping
from casegold.domain.errors import Deferred
from casegold.domain.sql import query
from casegold.jobs import gate
from casegold.jobs.outcome import GateClosed, Outcome, PartitionOutcome, Scalar
from casegold.jobs.views import Pins
from casegold.quality.verdict import GateStatus, Verdict
from casegold.runtime.platform import Platform
from casegold.sink.publish import publish
from casegold.sink.staging import StagedPartition, StagedVersion, remove_branch

ROOM = "casegold.jobs"

Figures = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run has staged, and the verdict of the gate."""

    contract: DatasetContract
    staged: StagedVersion
    verdict: Verdict
    figures: Mapping[date, Figures]
    seen: Seen
    inputs: Callable[[date], tuple[VersionInput, ...]]
    artifacts: Callable[[date], tuple[VersionArtifact, ...]]
    number: int | None = None
    """The version number that the artifacts show."""
    gate_inputs: Mapping[str, Any] | None = None
    """For a dataset made from partitions: the inputs from which the fingerprint of a hold is computed."""


def assert_planned_rules(platform: Platform, manifest: RunManifest) -> None:
    """Refuse a run that was planned before an upgrade: a version must name the rules that computed it.

    Raises:
        Deferred: other rules are installed than those that the run was planned with.
    """
    installed = platform.transforms[platform.contracts.of_table(manifest.dataset).transform]
    if installed != manifest.transform_version:
        raise Deferred(f"{manifest.dataset} was planned with {manifest.transform_version}, installed is {installed}")


def conclude(platform: Platform, manifest: RunManifest, claim: Claim, judged: Judged) -> Outcome:
    """Publish what passed, hold the rest.

    Raises:
        GateClosed: at least one partition is held.
    """
    dataset = judged.contract.dataset
    gate.record(platform, claim, judged.verdict)
    keys = [partition.key for partition in judged.staged.partitions]
    with platform.control.read() as connection:
        shadows.assert_promised(connection, manifest, map(figures_of, judged.staged.partitions))
        current = official_state.partition_states(connection, dataset, keys[0], keys[-1])
    allowed = set(gate.publishable(judged.verdict, current.keys()))
    ready = [partition for partition in judged.staged.partitions if partition.key in allowed]
    changed = [partition for partition in ready if not _same(partition, current.get(partition.key))]
    version = _publish(platform, manifest, claim, judged, ready, changed)
    gate.settle(platform, claim, manifest, judged.contract, judged.verdict, judged.gate_inputs)
    outcome = _outcome(judged, {p.key for p in ready}, {p.key for p in changed}, version)
    closed = judged.verdict.closed()
    if closed:
        raise GateClosed(
            f"{dataset}: {len(closed)} of {len(keys)} partitions did not pass: {gate.reason_of(judged.verdict)}",
            remedy="`casegold holds` shows the checks; corrected input releases the hold by itself",
            outcome=outcome,
        )
    return outcome


def _same(staged: StagedPartition, current: PartitionState | None) -> bool:
    """Whether the official rows are identical to the staged ones."""
    digest = staged.digest
    return current is not None and (current.digest_high, current.digest_low, current.rows) == (
        digest.high,
        digest.low,
        digest.rows,
    )


def _publish(
    platform: Platform,
    manifest: RunManifest,
    claim: Claim,
    judged: Judged,
    ready: list[StagedPartition],
    changed: list[StagedPartition],
) -> int | None:
    """Publish the changed partitions as one version. If none changed, only record what this run has seen."""
    staged, contract = judged.staged, judged.contract
    allowed = {partition.key for partition in ready}
    seen = Seen(
        judged.seen.admitted_seq,
        judged.seen.totals_seq,
        judged.seen.transform,
        judged.seen.contract,
        {key: digest for key, digest in judged.seen.inputs.items() if key in allowed},
    )
    if not changed:
        if ready:
            with platform.control.write("mark-seen") as connection:
                claims.assert_claim(connection, claim)
                commit.mark_seen(connection, claim, seen)
        remove_branch(platform.lake, contract.dataset, staged.branch)
        return None
    new = NewVersion(
        dataset=contract.dataset,
        number=judged.number,
        base_snapshot_id=staged.base_snapshot_id,
        staged_branch=staged.branch,
        staged_snapshot_id=staged.snapshot_id,
        quality_status=judged.verdict.quality_status(p.key for p in changed).value,
        publication="OFFICIAL",
        transform_version=manifest.transform_version,
        contract_version=contract.version,
        mode=manifest.mode,
        caused_by=manifest.caused_by,
        partitions=tuple(figures_of(partition) for partition in changed),
        files=tuple(file for partition in changed for file in files_of(partition)),
        inputs=tuple(each for partition in changed for each in judged.inputs(partition.key)),
        artifacts=tuple(each for partition in changed for each in judged.artifacts(partition.key)),
        seen=seen,
        tolerated=gate.tolerated(judged.verdict, {partition.key for partition in changed}),
    )
    return publish(platform.control, platform.lake, claim, new).version


def figures_of(staged: StagedPartition) -> VersionPartition:
    """The row count and digest of a staged partition."""
    digest = staged.digest
    return VersionPartition(staged.key, digest.rows, digest.high, digest.low)


def files_of(staged: StagedPartition) -> list[VersionFile]:
    """The files of a staged partition, to be recorded."""
    return [
        VersionFile(
            staged.key,
            file.path,
            file.rows,
            file.bytes,
            file.digest.high,
            file.digest.low,
            file.hash_from,
            file.hash_to,
        )
        for file in staged.files
    ]


def sequence_inputs(contract: DatasetContract, day: date, pins: Pins) -> tuple[VersionInput, ...]:
    """The inputs of a partition computed from facts: the sequence numbers at which it was computed."""
    pinned = {"silver/case_events": pins.admitted_seq, "bronze/control_totals": pins.totals_seq}
    return tuple(
        VersionInput(day, ref.dataset, day, pinned[ref.dataset])
        for ref in contract.inputs
        if ref.mapping is InputMapping.SEQUENCE
    )


def read_staged(
    platform: Platform, connection: duckdb.DuckDBPyConnection, staged: StagedVersion, first: date, last: date
) -> pl.DataFrame:
    """The staged rows of some partitions, read back from their files: the gate judges what would be published."""
    paths = [file.path for partition in staged.partitions if first <= partition.key <= last for file in partition.files]
    platform.lake.register_files(connection, "staged_rows", staged.dataset, paths, are_alike=True, complete=False)
    rows = pl.from_arrow(connection.execute(query(ROOM, "staged_rows")).to_arrow_table())
    assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table never becomes a series
    return rows


def _outcome(judged: Judged, ready: set[date], changed: set[date], version: int | None) -> Outcome:
    checks = gate.outcomes_of(judged.verdict)
    partitions = tuple(
        PartitionOutcome(
            key=partition.key,
            state="PUBLISHED" if partition.key in changed else "UNCHANGED" if partition.key in ready else "HELD",
            row_count=partition.digest.rows,
            checks=checks[partition.key],
            figures=judged.figures.get(partition.key, {}),
        )
        for partition in judged.staged.partitions
    )
    quality = [judged.verdict.status(key) for key in sorted(changed)]
    summary: dict[str, Scalar] = {
        "partitions": len(partitions),
        "published": len(changed),
        "unchanged": len(ready) - len(changed),
        "held": len(partitions) - len(ready),
        "rows": sum(partition.row_count for partition in partitions),
        "quality": "-" if not quality else "WAIVED" if GateStatus.WAIVED in quality else "PASSED",
        "version": "-" if version is None else short_id(judged.contract.dataset, version),
    }
    return Outcome(summary, partitions, version)
