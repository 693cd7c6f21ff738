"""Makes an older version official again: its recorded files become a new version, which is pinned.

The commit protocol is the usual one. Nothing is computed or judged: quality, contract and transform are those of the
older version. Not here: who asks for it (`operations.republish`), what a pin means (`control.versions.pins`).
"""

from __future__ import annotations

from datetime import date

from casegold.control.model import Claim, RunManifest
from casegold.control.versions import version_record
from casegold.control.versions.model import NewVersion, short_id
from casegold.control.versions.version_record import RecordedVersion
from casegold.domain.errors import InvariantBroken
from casegold.jobs.outcome import Outcome, PartitionOutcome
from casegold.runtime.platform import Platform
from casegold.sink.publish import publish, resolve_undecided
from casegold.sink.staging import Stage


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Publish the wanted partitions as the manifest's version had them.

    Raises:
        ConfigurationError: a recorded file is missing or differs; nothing has changed.
    """
    resolve_undecided(platform.control, platform.lake, claim)
    wanted = [date.fromisoformat(key) for key in manifest.scope["partitions"]]
    with platform.control.read() as connection:
        old = version_record.version(connection, manifest.dataset, manifest.scope["version"], wanted)
        done = version_record.republished_as(connection, old)
    if done is not None:  # an earlier attempt published it
        return _outcome(old, done)
    return _outcome(old, _publish(platform, manifest, claim, old))


def _publish(platform: Platform, manifest: RunManifest, claim: Claim, old: RecordedVersion) -> int:
    stage = Stage.open(platform.lake, old.dataset, claim.run_id, claim.attempt)
    stage.adopt(old.keys, old.files)
    staged = stage.finish()
    for partition, before in zip(staged.partitions, old.partitions, strict=True):
        digest = partition.digest
        if (digest.high, digest.low, digest.rows) != (before.digest_high, before.digest_low, before.rows):
            raise InvariantBroken(f"{old.dataset} {before.key}: the recorded files have another digest")
    new = NewVersion(
        dataset=old.dataset,
        republished_from=old.version,
        base_snapshot_id=staged.base_snapshot_id,
        staged_branch=staged.branch,
        staged_snapshot_id=staged.snapshot_id,
        quality_status=old.quality_status,
        publication=old.publication,
        transform_version=old.transform_version,
        contract_version=old.contract_version,
        mode=manifest.mode,
        caused_by=manifest.caused_by,
        partitions=old.partitions,
        files=old.files,
        inputs=old.inputs,
        artifacts=old.artifacts,
        seen=old.seen,
        tolerated=old.tolerated,
    )
    return publish(platform.control, platform.lake, claim, new).version


def _outcome(old: RecordedVersion, version: int) -> Outcome:
    partitions = tuple(PartitionOutcome(each.key, "PUBLISHED", each.rows) for each in old.partitions)
    summary: dict[str, str | int | float] = {
        "partitions": len(partitions),
        "rows": sum(each.rows for each in old.partitions),
        "quality": old.quality_status,
        "republished": short_id(old.dataset, old.version),
        "version": short_id(old.dataset, version),
    }
    return Outcome(summary, partitions, version)
