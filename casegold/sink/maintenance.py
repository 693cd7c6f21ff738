"""Upkeep of a table: old snapshots expire, branches of ended runs go. No data file is touched.

Not here: whose branches may go (`manifest.maintenance`), and who may do this when (`runtime.jobs.maintenance`).
"""

from __future__ import annotations

import time
from collections.abc import Collection

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from casegold.domain.errors import CommitUnknown
from casegold.domain.failpoints import durable
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake
from casegold.sink.staging import remove_branch

SNAPSHOTS_KEPT = 20
"""Snapshots of main that stay. A commit takes 20 ms at 10 of them and over a second at 1,000."""


def remove_branches(lake: Lake, dataset: str, ended: Collection[str]) -> int:
    """Drop those of some branches that are still there; how many that were."""
    present = sorted(set(ended) & lake.table(dataset).refs().keys())
    for branch in present:
        remove_branch(lake, dataset, branch)
    return len(present)


def expire_snapshots(lake: Lake, dataset: str, keep: int = SNAPSHOTS_KEPT) -> int:
    """Expire all snapshots but the newest of main, the heads of branches and what tags name; how many that were.

    Versions stay readable: they are read by their recorded files. The caller settles an undecided version first,
    since it is looked up in the summaries of main.

    Raises:
        CommitUnknown: the catalog took none of the commits.
    """
    expired: set[int] = set()
    for pause in range(COMMIT_ROUNDS):
        table = lake.table(dataset)
        old = _expirable(table, keep)
        if not old:
            return len(expired)
        try:
            with durable("snapshots-expire"):
                table.maintenance.expire_snapshots().by_ids(sorted(old)).commit()
        except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
            time.sleep(0.02 * pause)  # another writer was first, or nobody knows: look again
        expired |= old
    raise CommitUnknown(f"snapshots of {dataset} could not be expired", remedy="the next maintenance tries again")


def _expirable(table: Table, keep: int) -> set[int]:
    kept = {ref.snapshot_id for ref in table.refs().values()}
    snapshot = table.current_snapshot()
    for _ in range(keep):
        if snapshot is None:
            break
        kept.add(snapshot.snapshot_id)
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else table.snapshot_by_id(parent)
    return {each.snapshot_id for each in table.snapshots()} - kept
