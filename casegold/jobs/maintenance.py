"""Maintenance of all tables under a claim: settle undecided versions; then compact, merge, expire and delete per table.

Each step is bounded and idempotent. Not here: how a step works (`sink`), who asks for it
(`operations.nightly_maintenance`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from casegold.control.integrity import maintenance_requests
from casegold.control.model import Claim, RunManifest
from casegold.control.runs.claimed_tables import tables_of
from casegold.domain.errors import InvariantBroken, SourceUnavailable
from casegold.jobs.outcome import Outcome, Scalar
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.sink.compaction import MIN_FILES, compact, plan
from casegold.sink.maintenance import (
    MANIFESTS_KEPT,
    SNAPSHOTS_KEPT,
    dead_branches,
    expire_snapshots,
    manifest_count,
    merge_manifests,
    remove_branches,
    would_expire,
)
from casegold.sink.orphans import Orphan, delete_orphans, find_orphans
from casegold.sink.publish import resolve_undecided
from casegold.sink.staging import branch_name


@dataclass(frozen=True, slots=True)
class Maintained:
    """What maintenance did to one table, or would do.

    `files_joined` small files became `files_made`; `partitions_left` partitions also need compaction and were left for
    the next run; `tags_changed` are tags that were repaired, and tags that were removed because their version is no
    longer among the newest; `snapshots_kept` are left afterwards.
    """

    branches_removed: int
    files_joined: int
    files_made: int
    partitions_left: int
    manifests_merged: int
    tags_changed: int
    snapshots_expired: int
    snapshots_kept: int
    orphans: int
    orphan_bytes: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What maintenance would do to one table now. Files that compaction replaces become orphans only days later."""

    would_do: Maintained
    orphans: tuple[Orphan, ...]


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Maintain every table of the claim. No row changes, and every version stays readable by its files.

    Raises:
        SourceUnavailable: the storage does not answer, or a file is missing. The next run does the rest.
    """
    resolve_undecided(platform.control, platform.lake, claim)
    figures: dict[str, Scalar] = {}
    for table in tables_of(manifest.dataset):
        try:
            done = _maintain(platform, manifest.dataset, table)
        except OSError as error:
            raise SourceUnavailable(
                f"a file of {table} cannot be read: {error}", remedy="is the warehouse reachable and whole?"
            ) from error
        figures |= {f"{table} {name}": value for name, value in asdict(done).items()}
    return Outcome(figures)


def maintained_of(outcome: Outcome, table: str) -> Maintained:
    """What a finished run reports for a table.

    Raises:
        InvariantBroken: it reports nothing for this table.
    """
    try:
        return Maintained(*(int(outcome.summary[f"{table} {name}"]) for name in Maintained.__dataclass_fields__))
    except KeyError as error:
        raise InvariantBroken(f"the maintenance of {table} has no figure {error}") from error


def preview(platform: Platform, table: str, claim: str) -> Preview:
    """What maintenance would do to a table now; nothing is written, and no claim is needed."""
    lake = platform.lake
    joined = plan(lake, table, min_files=MIN_FILES).as_outcome()
    found = lake.table(table)
    manifests = manifest_count(found)
    expired = would_expire(found, _official(platform, table), SNAPSHOTS_KEPT)
    orphans = _orphans(platform, table)
    would_do = Maintained(
        branches_removed=len(dead_branches(lake, table, _ended(platform, claim))),
        files_joined=joined.files_before,
        files_made=joined.files_after,
        partitions_left=joined.partitions_left,
        manifests_merged=manifests if manifests > MANIFESTS_KEPT else 0,
        tags_changed=expired.tags,
        snapshots_expired=expired.snapshots,
        snapshots_kept=len(found.snapshots()) - expired.snapshots,
        orphans=len(orphans),
        orphan_bytes=sum(each.bytes for each in orphans),
    )
    return Preview(would_do, tuple(orphans))


def _maintain(platform: Platform, claim: str, table: str) -> Maintained:
    """Maintain one table. The order matters: what one step drops or replaces, the next ones can expire and delete."""
    lake = platform.lake
    branches = remove_branches(lake, table, _ended(platform, claim))
    with engine(platform) as connection:
        joined = compact(lake, connection, table, plan(lake, table, min_files=MIN_FILES))
    merged = merge_manifests(lake, table, MANIFESTS_KEPT)
    expired = expire_snapshots(lake, table, _official(platform, table), SNAPSHOTS_KEPT)
    orphans = _orphans(platform, table)
    return Maintained(
        branches_removed=branches,
        files_joined=joined.files_before,
        files_made=joined.files_after,
        partitions_left=joined.partitions_left,
        manifests_merged=merged,
        tags_changed=expired.tags,
        snapshots_expired=expired.snapshots,
        snapshots_kept=len(lake.table(table).snapshots()),
        orphans=len(orphans),
        orphan_bytes=delete_orphans(lake, table, orphans),
    )


def _ended(platform: Platform, claim: str) -> list[str]:
    with platform.control.read() as connection:
        return [branch_name(*attempt) for attempt in maintenance_requests.ended_attempts(connection, claim)]


def _official(platform: Platform, table: str) -> dict[int, int]:
    with platform.control.read() as connection:
        return maintenance_requests.official_snapshots(connection, table)


def _orphans(platform: Platform, table: str) -> list[Orphan]:
    def named() -> set[str]:
        with platform.control.read() as connection:
            return maintenance_requests.named_files(connection, table)

    return find_orphans(platform.lake, table, named)
