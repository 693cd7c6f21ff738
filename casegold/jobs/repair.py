"""Repairs a dataset: computes lost files again from recorded inputs, and makes main hold the official versions again.

It runs under the dataset's claim, so that nothing is published meanwhile. Not here: the files and the commit
(`sink.repair`), who asks for it (`operations.repairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from casegold.control.integrity import repair_ledger
from casegold.control.integrity.repair_ledger import Action, RecordedFile, Step
from casegold.control.model import Claim, RunManifest
from casegold.control.runs import manifests
from casegold.control.versions.model import VersionFile
from casegold.domain.errors import CasegoldError, InvariantBroken, NotReproduced
from casegold.jobs import verification
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform
from casegold.sink.lake import Lake
from casegold.sink.publish import resolve_undecided
from casegold.sink.read_back import missing
from casegold.sink.repair import difference, put_in_place, restore_main, write_lost_file
from casegold.sink.staging import case_range

REMEDY = (
    "restore the file from a backup; or have the partition computed again as a new version: docs/runbooks/lost-files.md"
)


@dataclass(frozen=True, slots=True)
class _Job:
    platform: Platform
    claim: Claim
    lake: Lake
    """From `Lake.for_mending`: accepts tables that are lost or older."""


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Restore every lost file of every version, then make main hold exactly the files of official versions.

    Each file that is reproduced is put in its place, even if others fail. Main is not changed while a file that it
    needs is missing: a part of a partition would be a wrong figure.

    Raises:
        NotReproduced: computing a lost file again gives other rows.
        InvariantBroken: a lost file cannot be computed again here.
        ConfigurationError: an official file exists but is not the one recorded.
    """
    dataset = manifest.dataset
    job = _Job(platform, claim, platform.lake.for_mending())
    resolve_undecided(platform.control, job.lake, claim)
    failed = _restore_lost_files(job, dataset)
    official = repair_ledger.official(platform.control, dataset)
    lacking = {path for path, _ in failed} & {file.path for file in difference(job.lake, dataset, official).absent}
    if not lacking:
        summary = {"casegold.run-id": claim.run_id, "casegold.reason": str(manifest.parameters["reason"])}
        snapshot_id = restore_main(job.lake, dataset, official, summary, lambda found: _plan(job, found))
        with platform.control.write("repair-done") as connection:
            repair_ledger.done(connection, claim, snapshot_id)
    if failed:
        raise _failure([error for _, error in failed], main_is_right=not lacking)
    done = repair_ledger.of_run(platform.control, claim.run_id)
    counts = {action.value.lower(): sum(row["action"] == action for row in done) for action in Action}
    partitions = {row["partition_key"] for row in done}
    return Outcome({"files official": len(official), **counts, "partitions": len(partitions)})


def _restore_lost_files(job: _Job, dataset: str) -> list[tuple[str, CasegoldError]]:
    """Compute every lost file again. Return the path and error of each one that fails."""
    every = repair_ledger.recorded(job.platform.control, dataset)
    lost = set(missing(job.lake, dataset, [each.file.path for each in every]))
    failed: list[tuple[str, CasegoldError]] = []
    for each in every:
        if each.file.path not in lost:
            continue
        job.claim.check()
        try:
            _compute(job, dataset, each)
        except (NotReproduced, InvariantBroken) as error:
            failed.append((each.file.path, error))
    return failed


def _compute(job: _Job, dataset: str, of: RecordedFile) -> None:
    """Restore one lost file: compute it as its run did, compare, write, record, and only then move it to its place."""
    platform, file = job.platform, of.file
    contract = platform.contracts[dataset]
    with platform.control.read() as connection:
        made_by = manifests.manifest(connection, of.run_id)
    why = verification.why_not_recomputable(platform, contract, made_by, [file.partition]).get(file.partition)
    if why is not None:
        raise InvariantBroken(
            f"file {file.path} of {file.partition} is gone and cannot be computed again: {why}", remedy=REMEDY
        )
    try:
        ((_, rows),) = verification.JOBS[made_by.pipeline].computed(platform, contract, made_by, [file.partition])
    except duckdb.Error as error:
        raise InvariantBroken(
            f"file {file.path} of {file.partition} cannot be computed again: {error}", remedy=REMEDY
        ) from error
    table = job.lake.table(dataset)
    written = write_lost_file(table, file, case_range(rows, file.hash_from, file.hash_to))
    _plan(job, [_recomputed(file, written.file_size_in_bytes)])
    put_in_place(table, written, file)


def _recomputed(file: VersionFile, size: int) -> Step:
    return Step(file.partition, file.path, Action.RECOMPUTED, file.rows, file.bytes, size)


def _plan(job: _Job, steps: Sequence[Step]) -> None:
    with job.platform.control.write("repair-plan") as connection:
        repair_ledger.plan(connection, job.claim, steps)


def _failure(errors: Sequence[CasegoldError], *, main_is_right: bool) -> CasegoldError:
    """One error for all failures. A file that has other rows is named before one that cannot be computed."""
    first = next((error for error in errors if isinstance(error, NotReproduced)), errors[0])
    more = f" (and {len(errors) - 1} more files)" if len(errors) > 1 else ""
    main = "main is right but for them" if main_is_right else "main was left as it is"
    return type(first)(f"{first.message}{more}; {main}", remedy=first.remedy)
