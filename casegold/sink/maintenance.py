"""Maintenance of a table's metadata: merges manifests, expires tags and snapshots, drops branches of ended runs.

It touches no data file. Not here: joining data files (`compaction`), deleting orphans (`orphans`), which branches may
be dropped (`control.integrity.maintenance_requests`), and the order of steps (`jobs.maintenance`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.snapshots import ancestors_of
from pyiceberg.table.update.snapshot import ExpireSnapshots

from casegold.domain.errors import CommitUnknown
from casegold.domain.failpoints import durable
from casegold.sink import tags
from casegold.sink.compaction import COMPACTION, PURPOSE
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake, storage_named
from casegold.sink.staging import remove_branch

SNAPSHOTS_KEPT = 20
"""Snapshots of main that are kept. A commit takes 20 ms at 10 of them and over a second at 1,000."""

KEEP_REPLACED = timedelta(days=2)
"""How long a snapshot references files that compaction replaced: longer than any run reads what it planned."""

MANIFESTS_KEPT = 50
"""More manifests than this are merged. Every publish adds one; planning took 306 ms at some hundreds, then 3 ms."""

MIN_MERGED = "commit.manifest.min-count-to-merge"


def merge_manifests(lake: Lake, dataset: str, keep: int = MANIFESTS_KEPT) -> int:
    """Merge the manifests of the head into few if there are more than `keep`. Return how many fewer there are.

    An empty append does it. Its commit also lowers PyIceberg's merge threshold and sets it back: files and properties
    are the same afterwards.

    Raises:
        CommitUnknown: the catalog took none of the commits.
    """
    before = manifest_count(lake.table(dataset))
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        present = manifest_count(table)
        if present <= keep:
            return max(0, before - present)
        usual = table.properties.get(MIN_MERGED)
        try:
            with (
                storage_named(f"the metadata of {dataset}"),
                durable("manifests-merge"),
                table.transaction() as transaction,
            ):
                transaction.set_properties({MIN_MERGED: "2"})
                transaction.update_snapshot({PURPOSE: "manifest-merge"}).merge_append().commit()
                if usual is None:
                    transaction.remove_properties(MIN_MERGED)
                else:
                    transaction.set_properties({MIN_MERGED: usual})
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)  # another writer was first, or the outcome is unknown: look again
            continue
        return before - manifest_count(lake.table(dataset))
    raise CommitUnknown(f"manifests of {dataset} could not be merged", remedy="the next maintenance tries again")


def manifest_count(table: Table) -> int:
    """How many manifests planning has to open at most."""
    head = table.current_snapshot()
    return 0 if head is None else len(head.manifests(table.io))


def remove_branches(lake: Lake, dataset: str, ended: Collection[str]) -> int:
    """Drop those of the given branches that still exist. Return how many there were."""
    present = dead_branches(lake, dataset, ended)
    for branch in present:
        remove_branch(lake, dataset, branch)
    return len(present)


def dead_branches(lake: Lake, dataset: str, ended: Collection[str]) -> list[str]:
    """Those of the given branches that still exist."""
    return sorted(set(ended) & lake.table(dataset).refs().keys())


@dataclass(frozen=True, slots=True)
class Expired:
    """What an expiry did, or would do: number of changed tags, and of snapshots removed."""

    tags: int
    snapshots: int


def expire_snapshots(lake: Lake, dataset: str, official: Mapping[int, int], keep: int = SNAPSHOTS_KEPT) -> Expired:
    """Set the tags to the newest versions and expire all snapshots that nobody needs, in one commit.

    It keeps the newest snapshots of main, the heads of branches, and tagged snapshots. It also keeps a recent
    compaction with the snapshot before it: a reader that planned before the compaction still finds the files. Versions
    stay readable, because they are read by their recorded files. The caller must settle an undecided version first,
    because that is looked up in the summaries of main.

    Args:
        official: snapshot id of every version of the dataset that was ever official.

    Raises:
        CommitUnknown: the catalog took none of the commits.
    """
    expired: set[int] = set()
    changed: set[str] = set()
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        wanted = tags.changes(table, official)
        old = expirable(table, wanted, keep)
        if not old and not wanted:
            return Expired(len(changed), len(expired))
        try:
            with (
                storage_named(f"the metadata of {dataset}"),
                durable("snapshots-expire"),
                table.transaction() as transaction,
            ):
                tags.apply(transaction, wanted)
                if old:
                    ExpireSnapshots(transaction).by_ids(sorted(old)).commit()
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)  # another writer was first, or the outcome is unknown: look again
        expired |= old
        changed |= {each.tag for each in wanted}
    raise CommitUnknown(f"snapshots of {dataset} could not be expired", remedy="the next maintenance tries again")


def would_expire(table: Table, official: Mapping[int, int], keep: int = SNAPSHOTS_KEPT) -> Expired:
    """What `expire_snapshots` would do now."""
    wanted = tags.changes(table, official)
    return Expired(len(wanted), len(expirable(table, wanted, keep)))


def expirable(table: Table, wanted: Collection[tags.TagChange], keep: int = SNAPSHOTS_KEPT) -> set[int]:
    """The snapshots that nobody needs after the wanted changes of tags."""
    changing = {each.tag for each in wanted}
    kept = {ref.snapshot_id for name, ref in table.refs().items() if name not in changing}
    kept |= {each.wanted for each in wanted if each.wanted is not None} | _recently_replaced(table)
    newest = islice(ancestors_of(table.current_snapshot(), table.metadata), keep)
    kept |= {each.snapshot_id for each in newest}
    return {each.snapshot_id for each in table.snapshots()} - kept


def _recently_replaced(table: Table) -> set[int]:
    since = (datetime.now(UTC) - KEEP_REPLACED).timestamp() * 1000
    kept: set[int] = set()
    for each in table.snapshots():
        purpose = None if each.summary is None else each.summary.additional_properties.get(PURPOSE)
        if purpose == COMPACTION and each.timestamp_ms >= since:
            kept.add(each.snapshot_id)
            if each.parent_snapshot_id is not None:
                kept.add(each.parent_snapshot_id)
    return kept
