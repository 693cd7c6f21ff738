"""Periods computed from published partitions: read the pinned versions, compute, stage, judge, render, publish.

Not here: the figures and their meaning (the product, through `jobs.product_rules`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa

from casegold.control.days.register import register_of
from casegold.control.model import Claim, Mode, RunManifest
from casegold.control.versions import commit, holds, official_state
from casegold.control.versions.model import InputVersion, PinnedPartition, Seen, VersionArtifact, VersionInput
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import InvariantBroken
from casegold.domain.product import Product
from casegold.jobs import gate, publication
from casegold.jobs.outcome import Outcome
from casegold.jobs.product_rules import compute, headline, judge, limits_of, product_of, render
from casegold.jobs.views import engine
from casegold.quality.custom import Judgement
from casegold.quality.verdict import GateStatus, Verdict, verdict
from casegold.runtime.platform import Platform
from casegold.sink.publish import resolve_undecided
from casegold.sink.staging import HASHES, Stage, StagedVersion
from casegold.transform.evidence import InputVersion as EvidenceInput
from casegold.transform.evidence import ReportEvidence


@dataclass(frozen=True, slots=True)
class _Work:
    """One run, with what its steps need."""

    platform: Platform
    manifest: RunManifest
    claim: Claim
    contract: DatasetContract
    product: Product
    inputs: dict[date, list[InputVersion]]


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Compute and publish the manifest's periods.

    Raises:
        GateClosed: at least one period did not pass.
        Deferred: the installed rules differ from those that the run was planned with.
    """
    publication.assert_planned_rules(platform, manifest)
    resolve_undecided(platform.control, platform.lake, claim)
    return publication.conclude(platform, manifest, claim, judged(platform, manifest, claim))


def judged(platform: Platform, manifest: RunManifest, claim: Claim) -> publication.Judged:
    """Compute, stage and judge the manifest's periods. Files for people are not rendered for a shadow."""
    contract = platform.contracts.of_table(manifest.dataset)
    inputs = _pinned_inputs(platform, manifest)
    work = _Work(platform, manifest, claim, contract, product_of(platform.products, contract), inputs)
    with engine(platform) as connection:
        tables, staged = _stage(connection, work)
        judged_by = _judge(connection, work, staged)
    number: int | None = None
    artifacts: dict[date, tuple[VersionArtifact, ...]] = dict.fromkeys(tables, ())
    if manifest.mode is not Mode.SHADOW:
        with platform.control.read() as control:
            number = commit.next_number(control, contract.dataset)
        artifacts = _artifacts(work, tables, judged_by, number)
    seen = Seen(
        0,
        0,
        manifest.transform_version,
        contract.version,
        {date.fromisoformat(key): holds.digest_of(value) for key, value in manifest.scope["inputs"].items()},
    )
    return publication.Judged(
        contract=contract,
        staged=staged,
        verdict=judged_by,
        figures={period: headline(work.product, table, period) for period, table in tables.items()},
        seen=seen,
        inputs=lambda period: tuple(_version_input(period, each) for each in inputs[period]),
        artifacts=lambda period: artifacts[period],
        number=number,
        gate_inputs=manifest.scope["inputs"],
    )


def inputs_of(_: DatasetContract, manifest: RunManifest, wanted: Sequence[date]) -> list[PinnedPartition]:
    """The published partitions from which some of the manifest's periods are computed."""
    return [each for period in wanted for each in _pinned(manifest)[period]]


def computed(
    platform: Platform, contract: DatasetContract, manifest: RunManifest, wanted: Sequence[date]
) -> Iterator[tuple[date, pa.Table]]:
    """The rows of some of the manifest's periods, computed as the manifest's run did. Writes nothing."""
    product, pinned = product_of(platform.products, contract), _pinned(manifest)
    with engine(platform) as connection:
        for period in wanted:
            yield period, _computed(connection, platform, product, contract, period, pinned[period])


def _pinned(manifest: RunManifest) -> dict[date, list[PinnedPartition]]:
    """The scope's input versions, by period."""
    return {
        date.fromisoformat(period): [(dataset, date.fromisoformat(key), version) for dataset, key, version in inputs]
        for period, inputs in manifest.scope["inputs"].items()
    }


def _pinned_inputs(platform: Platform, manifest: RunManifest) -> dict[date, list[InputVersion]]:
    """The scope's input versions with their quality, by period."""
    pinned = _pinned(manifest)
    with platform.control.read() as connection:
        known = official_state.input_versions(connection, [each for inputs in pinned.values() for each in inputs])
    return {period: [known[each] for each in inputs] for period, inputs in pinned.items()}


def _stage(connection: duckdb.DuckDBPyConnection, work: _Work) -> tuple[dict[date, pa.Table], StagedVersion]:
    stage = Stage.open(work.platform.lake, work.claim.dataset, work.claim.run_id, work.claim.attempt)
    tables = {}
    for period in sorted(work.inputs):
        work.claim.check()
        pinned = [(each.dataset, each.partition, each.version) for each in work.inputs[period]]
        tables[period] = _computed(connection, work.platform, work.product, work.contract, period, pinned)
        stage.write(period, tables[period], 0, HASHES)
    return tables, stage.finish()


def _computed(
    connection: duckdb.DuckDBPyConnection,
    platform: Platform,
    product: Product,
    contract: DatasetContract,
    period: date,
    pinned: Sequence[PinnedPartition],
) -> pa.Table:
    """The rows of a period. The connection gets one view for each way in which the period reads an input."""
    for ref in contract.inputs:
        partitions = set(contract.input_partitions(ref, period))
        wanted = [each for each in pinned if each[0] == ref.dataset and each[1] in partitions]
        with platform.control.read() as control:
            paths = official_state.files_of(control, wanted)
        platform.lake.register_files(connection, product.view_of(ref), ref.dataset, paths)
    return compute(product, connection, period, platform.calendar, limits_of(platform.settings))


def _judge(connection: duckdb.DuckDBPyConnection, work: _Work, staged: StagedVersion) -> Verdict:
    periods = [partition.key for partition in staged.partitions]
    days_read = {period: {each.partition for each in inputs} for period, inputs in work.inputs.items()}
    with work.platform.control.read() as control:
        register = register_of(control)
    if register is None:
        raise InvariantBroken(f"{work.contract.dataset} is computed before any date is closed")
    rows = publication.read_staged(work.platform, connection, staged, periods[0], periods[-1])
    asked = Judgement(work.contract, rows, periods, days_read, register.first)
    results = judge(work.product, asked, limits_of(work.platform.settings))
    return verdict(work.contract, results, periods, gate.waivers(work.platform, work.manifest))


def _artifacts(
    work: _Work, tables: dict[date, pa.Table], judged_by: Verdict, number: int
) -> dict[date, tuple[VersionArtifact, ...]]:
    """Render and store the files of every period that passed. They belong to a version only once it is prepared."""
    found: dict[date, tuple[VersionArtifact, ...]] = defaultdict(tuple)
    for period, table in tables.items():
        status = judged_by.status(period)
        if status is GateStatus.CLOSED:
            continue
        rendered = render(work.product, work.contract, table, _evidence(work, period, judged_by, status, number))
        found[period] = tuple(
            VersionArtifact(
                partition=period,
                name=each.name,
                media_type=each.media_type,
                uri=work.platform.lake.write_artifact(
                    work.contract.dataset, f"{work.claim.run_id[:16]}-{work.claim.attempt}", each.name, each.content
                ),
                bytes=len(each.content),
                sha256=hashlib.sha256(each.content).hexdigest(),
            )
            for each in rendered
        )
    return found


def _evidence(work: _Work, period: date, judged_by: Verdict, status: GateStatus, number: int) -> ReportEvidence:
    waived = tuple(r.check for r in judged_by.results if r.partition == period and r.status.value == "WAIVED")
    return ReportEvidence(
        dataset=work.contract.dataset,
        version=number,
        month=period,
        quality=status.value,
        publication="OFFICIAL",
        mode=work.manifest.mode.value,
        run_id=work.claim.run_id,
        attempt=work.claim.attempt,
        transform_version=work.manifest.transform_version,
        contract_version=work.contract.version,
        time_zone=work.platform.calendar.zone_name,
        created_at=datetime.now(UTC),
        inputs=tuple(
            EvidenceInput(each.dataset, each.partition, each.version, each.quality, each.tolerated)
            for each in work.inputs[period]
        ),
        waived_checks=waived,
    )


def _version_input(period: date, each: InputVersion) -> VersionInput:
    return VersionInput(period, each.dataset, each.partition, each.version)
