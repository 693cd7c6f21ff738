"""A shadow: a range that is computed and judged as if it were to be published, and compared with the official rows.

Nothing official changes: the rows stay on the run's own branch of a separate table, and the comparison is recorded. Not
here: how figures are computed (`jobs.snapshot`, `jobs.report`), how rows are compared (`jobs.difference`), who promotes
a shadow (`control.changes.shadows`).
"""

from __future__ import annotations

from casegold.control.changes import shadows
from casegold.control.changes.shadows import Shadow, ShadowPartition
from casegold.control.model import BACKFILL_RUN_ID, Claim, RunManifest
from casegold.control.versions import official_state
from casegold.control.versions.model import PartitionState, VersionPartition
from casegold.domain.contract import DatasetContract
from casegold.domain.difference import PartitionDifference
from casegold.domain.errors import ConfigurationError
from casegold.jobs import gate, report, snapshot
from casegold.jobs.difference import compare, sides_of_shadow
from casegold.jobs.outcome import Outcome
from casegold.jobs.publication import Judged, figures_of, files_of
from casegold.runtime.platform import Platform

SAMPLE = 50
"""Number of differing rows of which the values are recorded."""


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Compute the manifest's range, compare it, and record both.

    Raises:
        Deferred: the backfill was paused or stopped.
        ConfigurationError: the installed code is not the one that was planned with.
    """
    backfill_run_id = str(manifest.parameters[BACKFILL_RUN_ID])
    with platform.control.read() as connection:
        made = shadows.find(connection, backfill_run_id)
    if made is None:
        made = _make(platform, manifest, claim, backfill_run_id)
    return Outcome(summary(made))


def _make(platform: Platform, manifest: RunManifest, claim: Claim, backfill_run_id: str) -> Shadow:
    contract = platform.contracts.of_table(manifest.dataset)
    installed = platform.transforms[contract.transform]
    if installed != manifest.transform_version:
        raise ConfigurationError(
            f"{backfill_run_id} was planned with {manifest.transform_version}, installed is {installed}",
            remedy="run it with the release that it was planned with, or cancel it and plan another one",
        )
    module = snapshot if contract.reads_sequence else report
    judged = module.judged(platform, manifest, claim)
    gate.record(platform, claim, judged.verdict)
    made = _compare(platform, contract, backfill_run_id, judged)
    with platform.control.write("shadow-record") as connection:
        shadows.record(connection, claim, made)
    return made


def _compare(platform: Platform, contract: DatasetContract, backfill_run_id: str, judged: Judged) -> Shadow:
    staged = {partition.key: partition for partition in judged.staged.partitions}
    with platform.control.read() as connection:
        official = official_state.partition_states(connection, contract.dataset, min(staged), max(staged))
    figures = {key: figures_of(partition) for key, partition in staged.items()}
    beside = {key: _beside(figures[key], official.get(key)) for key in figures}
    apart = [each for key, each in beside.items() if not _same(figures[key], official.get(key))]
    paths = {key: [file.path for file in partition.files] for key, partition in staged.items()}
    found = compare(platform, sides_of_shadow(platform, contract.dataset, backfill_run_id, apart, paths), SAMPLE)
    counted = beside | {each.key: each for each in found.partitions}
    closed = {each.partition for each in judged.verdict.closed()}
    partitions = tuple(
        ShadowPartition(figures[key], key not in closed, counted[key], tuple(files_of(partition)))
        for key, partition in staged.items()
    )
    comparison = shadows.Comparison(found.columns, found.sample)
    return Shadow(backfill_run_id, contract.dataset, judged.staged.branch, partitions, comparison)


def _beside(figures: VersionPartition, official: PartitionState | None) -> PartitionDifference:
    if official is None:
        return PartitionDifference(figures.key, None, None, 0, figures.rows)
    return PartitionDifference(figures.key, official.version, None, official.rows, figures.rows)


def _same(figures: VersionPartition, official: PartitionState | None) -> bool:
    return official is not None and (official.rows, official.digest_high, official.digest_low) == (
        figures.rows,
        figures.digest_high,
        figures.digest_low,
    )


def summary(made: Shadow) -> dict[str, str | int | float]:
    """The figures of a shadow for the list of runs."""
    differences = [each.difference for each in made.partitions if each.difference.differs]
    return {
        "partitions": len(made.partitions),
        "rows": sum(each.figures.rows for each in made.partitions),
        "partitions that differ": len(differences),
        "rows that differ": sum(each.added + each.removed + each.changed for each in differences),
        "partitions its gate would hold": sum(not each.passed for each in made.partitions),
    }
