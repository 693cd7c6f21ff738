"""Verification: computes official figures again from their recorded inputs and rules, and compares them.

Three digests must be equal: the recorded one, that of the rows in the official files, and that of the rows computed
again. Nothing is written except a row in the ledger of verifications. Not here: how figures are computed
(`jobs.snapshot`, `jobs.report`), how an outcome is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb

from casegold.control.integrity import verifications
from casegold.control.integrity.verifications import Found, Official, Verification
from casegold.control.model import PartitionRange, Pipeline, RunManifest
from casegold.control.planning.planner import is_computed
from casegold.control.runs import manifests
from casegold.control.versions import official_state, version_record
from casegold.control.versions.model import PinnedPartition, VersionPartition
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError, InvariantBroken, NotReproduced, TableLost
from casegold.jobs import report, snapshot
from casegold.jobs.outcome import Outcome, PartitionOutcome
from casegold.runtime.platform import Platform
from casegold.sink.digest import Digest, digest_of
from casegold.sink.read_back import ReadBack, faults_of_artifacts, missing, read_back

JOBS = {Pipeline.SNAPSHOT: snapshot, Pipeline.REPORT: report}
"""The module that computes a run's partitions again, without a claim and without a stage."""


DIFFERENT_REMEDY = (
    "nobody may rely on these figures until it is known why: docs/runbooks/on-call.md, `figures_reproducible`"
)
UNVERIFIABLE_REMEDY = (
    "verify it with the release that made it, or have it computed again: `casegold backfill request`; "
    "docs/verification.md"
)


def verify(platform: Platform, dataset: str, wanted: Sequence[date], asked_by: str) -> Iterator[Verification]:
    """Verify official partitions of a computed dataset one by one. Each outcome is recorded before it is yielded.

    Raises:
        ConfigurationError: the dataset is not computed, or a wanted partition is not official.
        SourceUnavailable: a server or the storage does not answer; outcomes found until then are recorded.
    """
    contract = platform.contracts[dataset]
    if not is_computed(contract):
        raise ConfigurationError(
            f"{dataset} is not computed from other datasets: there is nothing to compute again",
            remedy="`casegold reconcile` compares what was read with what is in the lake",
        )
    for made_by, together in groupby(_official(platform, contract, wanted), key=lambda each: each.run_id):
        for found in _of_run(platform, contract, made_by, list(together)):
            with platform.control.write("verification-record") as connection:
                verifications.record(connection, found, asked_by)
            yield found


def confirm(platform: Platform, dataset: str, wanted: Sequence[date], asked_by: str) -> Outcome:
    """Verify, and accept no outcome other than VERIFIED.

    Raises:
        NotReproduced: some partition is different.
        ConfigurationError: none is different, but some cannot be verified.
    """
    every = list(verify(platform, dataset, wanted, asked_by))
    error = different(every)
    if error is not None:
        raise error
    unverifiable = [found for found in every if found.outcome is Found.UNVERIFIABLE]
    if unverifiable:
        raise ConfigurationError(_first_of(unverifiable, len(every)), remedy=UNVERIFIABLE_REMEDY)
    partitions = tuple(
        PartitionOutcome(found.partition, found.outcome.value, found.rows, verified=found.version) for found in every
    )
    return Outcome({"partitions": len(every), "verified": len(every)}, partitions)


def different(every: Sequence[Verification]) -> NotReproduced | None:
    """The error that names the partitions that are different; None if there are none."""
    found = [each for each in every if each.outcome is Found.DIFFERENT]
    return NotReproduced(_first_of(found, len(every)), remedy=DIFFERENT_REMEDY) if found else None


def _first_of(found: Sequence[Verification], of: int) -> str:
    """The first partition with its outcome, and how many more there are."""
    more = f" (and {len(found) - 1} more of {of} partitions)" if len(found) > 1 else ""
    return f"{found[0].dataset} {found[0].partition}: {sentence(found[0])}{more}"


def official(platform: Platform, dataset: str) -> list[date]:
    """Every official partition of a dataset."""
    with platform.control.read() as connection:
        return sorted(official_state.partition_states(connection, dataset, date.min, date.max))


def sample(platform: Platform, dataset: str, size: int) -> list[date]:
    """The official partitions to verify next, ascending; at most `size`."""
    with platform.control.read() as connection:
        return sorted(verifications.oldest(connection, dataset, size))


def sentence(found: Verification) -> str:
    """The outcome as a sentence for people."""
    match found.outcome:
        case Found.VERIFIED:
            return f"version {found.version} verified"
        case Found.DIFFERENT:
            return f"version {found.version} is DIFFERENT: {found.reason}"
        case Found.UNVERIFIABLE:
            return f"version {found.version} is unverifiable: {found.reason}"


def _official(platform: Platform, contract: DatasetContract, wanted: Sequence[date]) -> list[Official]:
    if not wanted:
        return []
    with platform.control.read() as connection:
        found = verifications.official(connection, contract.dataset, PartitionRange(min(wanted), max(wanted)))
    keys = set(wanted)
    absent = keys - {each.partition for each in found}
    if absent:
        raise ConfigurationError(
            f"{contract.dataset} {min(absent)} has no official version, so there is nothing to verify",
            remedy="`casegold plan` shows what it waits for",
        )
    return [each for each in found if each.partition in keys]


@dataclass(frozen=True, slots=True)
class _Recomputed:
    """Partitions of one run computed again: the digest of each one, or why it cannot be computed."""

    digests: dict[date, Digest]
    impossible: dict[date, str]
    failed: str = ""
    """Why the computation failed although the rules are the same: the recorded inputs are not what they were."""


def _of_run(
    platform: Platform, contract: DatasetContract, run_id: str, together: Sequence[Official]
) -> Iterator[Verification]:
    with platform.control.read() as connection:
        manifest = manifests.manifest(connection, run_id)
    recomputed = _recompute(platform, contract, manifest, [each.partition for each in together])
    for each in together:
        yield _compared(platform, contract, each, recomputed)


def _recompute(
    platform: Platform, contract: DatasetContract, manifest: RunManifest, wanted: Sequence[date]
) -> _Recomputed:
    impossible = why_not_recomputable(platform, contract, manifest, wanted)
    possible = [key for key in wanted if key not in impossible]
    digests: dict[date, Digest] = {}
    try:
        if possible:
            for key, rows in JOBS[manifest.pipeline].computed(platform, contract, manifest, possible):
                digests[key] = digest_of(rows)
    except TableLost as lost:
        return _Recomputed(digests, impossible | {key: lost.message for key in possible if key not in digests})
    except (duckdb.Error, InvariantBroken) as error:
        return _Recomputed(digests, impossible, failed=str(error).partition("\n")[0])
    return _Recomputed(digests, impossible)


def why_not_recomputable(
    platform: Platform, contract: DatasetContract, manifest: RunManifest, wanted: Sequence[date]
) -> dict[date, str]:
    """The partitions of a run that cannot be computed again here, with the reason: a rule or an input has changed."""
    if manifest.pipeline not in JOBS:
        return dict.fromkeys(wanted, f"run {manifest.run_id[:12]} of pipeline {manifest.pipeline} computed nothing")
    installed = platform.transforms[contract.transform]
    if installed != manifest.transform_version:
        return dict.fromkeys(wanted, f"it was made by {manifest.transform_version}, installed is {installed}")
    inputs = {key: JOBS[manifest.pipeline].inputs_of(contract, manifest, [key]) for key in wanted}
    gone = _gone(platform, {each for of_key in inputs.values() for each in of_key})
    return {
        key: f"its input {each[0]} {each[1]} version {each[2]} is gone: no file {gone[each]}"
        for key in wanted
        for each in inputs[key]
        if each in gone
    }


def _gone(platform: Platform, inputs: Collection[PinnedPartition]) -> dict[PinnedPartition, str]:
    """The input versions that lack a file, each with its first missing file."""
    with platform.control.read() as connection:
        named = {each: official_state.files_of(connection, [each]) for each in inputs}
    found = {}
    for each, paths in named.items():
        absent = missing(platform.lake, each[0], paths)
        if absent:
            found[each] = absent[0]
    return found


def _compared(platform: Platform, contract: DatasetContract, of: Official, recomputed: _Recomputed) -> Verification:
    official_digest, computed = _digest(of.state), recomputed.digests.get(of.partition)
    stored, impossible = _stored(platform, contract, of), recomputed.impossible.get(of.partition, "")
    faults = list(stored.faults)
    if of.state != of.published:
        faults.append(f"its official state has digest {official_digest}, its version has {_digest(of.published)}")
    if stored.digest is not None and stored.digest != official_digest and not stored.faults:
        faults.append(f"its files hold rows of digest {stored.digest}, recorded is {official_digest}")
    if computed is not None and computed != official_digest:
        faults.append(f"computed again it has digest {computed}, recorded is {official_digest}")
    if computed is None and not impossible:
        faults.append(f"it cannot be computed again from its inputs: {recomputed.failed}")
    outcome = Found.DIFFERENT if faults else Found.UNVERIFIABLE if impossible else Found.VERIFIED
    return Verification(
        dataset=contract.dataset,
        partition=of.partition,
        version=of.version,
        rows=of.state.rows,
        outcome=outcome,
        reason="; ".join(faults) or impossible,
        recorded=str(official_digest),
        stored=None if stored.digest is None else str(stored.digest),
        computed=None if computed is None else str(computed),
        transform_version=platform.transforms[contract.transform],
    )


def _stored(platform: Platform, contract: DatasetContract, of: Official) -> ReadBack:
    """The official files and artifacts of a partition, as they are now."""
    with platform.control.read() as connection:
        # The files of this version: another version may have become official meanwhile.
        named = version_record.version(connection, contract.dataset, of.version, [of.partition])
    found = read_back(platform.lake, contract.dataset, named.files)
    return ReadBack(found.digest, found.faults + faults_of_artifacts(platform.lake, contract.dataset, named.artifacts))


def _digest(recorded: VersionPartition) -> Digest:
    return Digest(recorded.digest_high, recorded.digest_low, recorded.rows)
