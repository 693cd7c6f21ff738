"""Maintenance of one dataset under its claim: settle what is undecided, drop useless stages, expire old snapshots."""

from __future__ import annotations

from casegold.manifest import maintenance
from casegold.manifest.model import Claim, RunManifest
from casegold.runtime.outcome import Outcome
from casegold.runtime.platform import Platform
from casegold.sink.maintenance import expire_snapshots, remove_branches
from casegold.sink.publish import resolve_undecided
from casegold.sink.staging import branch_name


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Maintain the manifest's dataset. No row changes, and every version stays readable by its files."""
    resolve_undecided(platform.control, platform.lake, claim)
    with platform.control.read() as connection:
        ended = maintenance.ended_attempts(connection, manifest.dataset)
    branches = remove_branches(platform.lake, manifest.dataset, [branch_name(*attempt) for attempt in ended])
    expired = expire_snapshots(platform.lake, manifest.dataset)
    kept = len(platform.lake.table(manifest.dataset).snapshots())
    return Outcome({"branches removed": branches, "snapshots expired": expired, "snapshots kept": kept})
