"""Daily snapshots of a range: compute at the pinned sequences, stage, judge what was staged, publish in one commit.

Not here: the rules of a case (`products.case_daily_snapshot`), the checks (`quality`), the commit protocol
(`sink.publish`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from casegold.control.model import Claim, Mode, PartitionRange, RunManifest
from casegold.control.versions import official_state, staged_chunks
from casegold.control.versions.model import PinnedPartition, Seen
from casegold.control.versions.staged_chunks import StagedChunk
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import Deferred
from casegold.domain.events import EVENT_TYPES
from casegold.domain.sql import load, query
from casegold.jobs import gate, publication
from casegold.jobs.outcome import Outcome
from casegold.jobs.product_rules import limits_of
from casegold.jobs.views import Pins, engine, frame, register_facts
from casegold.quality.declared import check_declared
from casegold.quality.results import CheckResult
from casegold.quality.verdict import Verdict, verdict
from casegold.runtime.platform import Platform
from casegold.sink.publish import resolve_undecided
from casegold.sink.staging import Stage, StagedVersion, case_ranges
from products.case_daily_snapshot import build, schema
from products.case_daily_snapshot.checks import SnapshotSurroundings, check_snapshots

ROOM = "casegold.jobs"

QUALITY = "casegold.quality"
STATUSES = ("OPEN", "ESCALATED", "DECIDED", "CLOSED")

ROWS_IN_MEMORY = 1_000_000
"""Snapshot rows that are computed, staged or judged at a time: about 300 MB as Arrow."""


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Compute and publish the manifest's dates.

    Raises:
        GateClosed: at least one date did not pass; what may be published is published, the rest is held.
        Deferred: the official version of the day before the range is not the pinned one, or the installed rules differ
            from those that the run was planned with.
    """
    publication.assert_planned_rules(platform, manifest)
    resolve_undecided(platform.control, platform.lake, claim)
    return publication.conclude(platform, manifest, claim, judged(platform, manifest, claim))


def judged(platform: Platform, manifest: RunManifest, claim: Claim) -> publication.Judged:
    """Compute, stage and judge the manifest's dates, for publication or as a shadow.

    Raises:
        Deferred: the official version of the day before the range is not the pinned one.
    """
    contract = platform.contracts.of_table(manifest.dataset)
    pins = Pins.of(manifest)
    built_on = inputs_of(contract, manifest)
    _assert_official(platform, manifest, built_on)
    with engine(platform) as connection:
        register_facts(connection, platform, pins)
        previous = _register_previous_rows(connection, platform, built_on)
        _build_states(connection, pins, from_scratch=previous is None)
        staged, figures = _stage(connection, platform, claim, pins)
        verdict_ = _judge(connection, platform, manifest, contract, pins, staged, previous)
    return publication.Judged(
        contract=contract,
        staged=staged,
        verdict=verdict_,
        figures=figures,
        seen=Seen(
            pins.admitted_seq,
            pins.totals_seq,
            manifest.transform_version,
            contract.version,
            dict.fromkeys((partition.key for partition in staged.partitions), None),
        ),
        inputs=lambda day: publication.sequence_inputs(contract, day, pins),
        artifacts=lambda _: (),
    )


def inputs_of(contract: DatasetContract, manifest: RunManifest, _: Sequence[date] = ()) -> list[PinnedPartition]:
    """The published partition on which the manifest's dates build; none if they start from scratch."""
    pinned = manifest.scope["previous_version"]
    first = Pins.of(manifest).partitions.first
    return [] if pinned is None else [(contract.dataset, first - timedelta(days=1), pinned)]


def computed(
    platform: Platform, contract: DatasetContract, manifest: RunManifest, wanted: Sequence[date]
) -> Iterator[tuple[date, pa.Table]]:
    """The rows of some of the manifest's dates, computed as its run did, one date in memory. Writes nothing."""
    pins = Pins.of(manifest)
    with engine(platform) as connection:
        register_facts(connection, platform, pins)
        previous = _register_previous_rows(connection, platform, inputs_of(contract, manifest))
        _build_states(connection, pins, from_scratch=previous is None)
        for day in wanted:
            yield day, build.snapshot_rows(connection, day, day)


def _assert_official(platform: Platform, manifest: RunManifest, pinned: Sequence[PinnedPartition]) -> None:
    """Check that a publication builds on what is official now. A shadow builds on what its plan found.

    Raises:
        Deferred: another version of the day before is official.
    """
    if manifest.mode is Mode.SHADOW:
        return
    for dataset, day, version in pinned:
        with platform.control.read() as control:
            state = official_state.partition_states(control, dataset, day, day).get(day)
        if state is None or state.version != version:
            found = "none" if state is None else state.version
            raise Deferred(f"{dataset} {day}: version {version} was pinned, current is {found}")


def _register_previous_rows(
    connection: duckdb.DuckDBPyConnection, platform: Platform, pinned: Sequence[PinnedPartition]
) -> pl.Series | None:
    """The view `previous_rows`: the pinned version of the day before the range. Its case ids, or None without one."""
    if not pinned:
        connection.register("previous_rows", schema.no_rows())
        return None
    with platform.control.read() as control:
        files = official_state.files_of(control, pinned)
    platform.lake.register_files(connection, "previous_rows", pinned[0][0], files)
    return frame(connection, query(ROOM, "previous_cases"))["case_id"]


def _build_states(connection: duckdb.DuckDBPyConnection, pins: Pins, *, from_scratch: bool) -> None:
    first = None if from_scratch else pins.partitions.first
    build.find_affected_cases(connection, first, pins.partitions.last)
    connection.execute(query(ROOM, "silver_facts"))
    build.build_states(connection)


def _chunks(connection: duckdb.DuckDBPyConnection, partitions: PartitionRange) -> Iterator[tuple[date, date]]:
    return build.chunks(connection, partitions.first, partitions.last, max_rows=ROWS_IN_MEMORY)


def _stage(
    connection: duckdb.DuckDBPyConnection, platform: Platform, claim: Claim, pins: Pins
) -> tuple[StagedVersion, dict[date, publication.Figures]]:
    """Write every date's files to the run's own branch."""
    first, last = pins.partitions.first, pins.partitions.last
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    with platform.control.read() as control:
        current = official_state.current_files(control, claim.dataset, days)
        done = staged_chunks.chunks(control, claim.run_id)
    stage = Stage.open(platform.lake, claim.dataset, claim.run_id, claim.attempt, current)
    figures: dict[date, publication.Figures] = {}
    for first, last in _chunks(connection, pins.partitions):
        claim.check()
        chunk = done.get(PartitionRange(first, last))
        if chunk is None:
            chunk = _write(connection, stage, PartitionRange(first, last))
            with platform.control.write("stage-chunk") as control:
                staged_chunks.record(control, claim, chunk)
        else:
            stage.adopt(list(chunk.figures), chunk.files)
        figures |= chunk.figures
    return stage.finish(), figures


def _write(connection: duckdb.DuckDBPyConnection, stage: Stage, partitions: PartitionRange) -> StagedChunk:
    rows = build.snapshot_rows(connection, partitions.first, partitions.last)
    figures = figures_of(rows)
    keys = []
    for day, of_day in _by_date(rows, partitions.first, partitions.last):
        keys.append(day)
        for hash_from, hash_to, part in case_ranges(of_day, stage.ranges(day)):
            stage.write(day, part, hash_from, hash_to)
    return StagedChunk(partitions, stage.files_of(keys), {key: figures.get(key, {}) for key in keys})


def _by_date(rows: pa.Table, first: date, last: date) -> Iterator[tuple[date, pa.Table]]:
    """Split rows sorted by date into dates. A date without cases has no rows, but is a partition all the same."""
    column = rows["snapshot_date"].combine_chunks()
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        count = pc.sum(pc.equal(column, pa.scalar(day, pa.date32()))).as_py() or 0
        start = pc.index(column, pa.scalar(day, pa.date32())).as_py()
        yield day, rows.slice(max(start, 0), count)


def figures_of(rows: pa.Table) -> dict[date, publication.Figures]:
    """Per date: cases in total, by status, and breached. The partition's page shows them."""
    cases = pl.from_arrow(rows.select(["snapshot_date", "status", "breached"]))
    assert isinstance(cases, pl.DataFrame)  # noqa: S101 - a table never becomes a series
    counted = cases.group_by("snapshot_date").agg(
        pl.len().alias("cases"),
        *(pl.col("status").eq(status).sum().alias(status.lower()) for status in STATUSES),
        pl.col("breached").sum().alias("breached"),
    )
    return {row.pop("snapshot_date"): row for row in counted.iter_rows(named=True)}


def _judge(
    connection: duckdb.DuckDBPyConnection,
    platform: Platform,
    manifest: RunManifest,
    contract: DatasetContract,
    pins: Pins,
    staged: StagedVersion,
    previous: pl.Series | None,
) -> Verdict:
    """The verdict on exactly the staged snapshot, read back from its files."""
    connection.execute(load(QUALITY, "rejections"))
    waivers = gate.waivers(platform, manifest)
    around = SnapshotSurroundings(
        previous_cases=previous,
        corrected_openings=frame(connection, query(ROOM, "corrected_openings"))["case_id"],
        openings=frame(connection, load(QUALITY, "openings")),
        completeness=frame(connection, load(QUALITY, "completeness")),
        rejections=frame(connection, load(QUALITY, "rejections_counts")),
        rejections_sample=frame(connection, load(QUALITY, "rejections_sample")),
        conflicts=frame(connection, load(QUALITY, "conflicts")),
        event_types=EVENT_TYPES,
        waivers=waivers,
    )
    results: list[CheckResult] = []
    for first, last in _chunks(connection, pins.partitions):
        rows = publication.read_staged(platform, connection, staged, first, last)
        partitions = [partition.key for partition in staged.partitions if first <= partition.key <= last]
        results += check_snapshots(contract, rows, partitions, platform.calendar, around)
        results += check_declared(contract, rows, partitions, limits_of(platform.settings))
        around = replace(around, previous_cases=rows.filter(pl.col("snapshot_date") == last)["case_id"])
    keys = [partition.key for partition in staged.partitions]
    return verdict(contract, results, keys, waivers)
