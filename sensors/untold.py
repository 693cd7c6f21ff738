"""Runs that died, or lost their database, after their work was done: another run tells Dagster what is official.

The ledger says that the attempt succeeded, and Dagster shows its partitions as they were before. A launch of official
partitions verifies them and records them as materialised; so that is what is requested. Not here: the end of attempts.
"""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from casegold.control.db import ControlDb
from casegold.control.runs import store
from resources.runs import EXIT_CLASS_TAG, NO_RETRY, attempt_of

TELLS_FOR_TAG = "casegold/tells_for"
"""On a run that verifies what another one published: the Dagster run whose partitions it tells of."""

RANGE_TAGS = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)


def telling(control: ControlDb, run: dg.DagsterRun, products: Collection[str]) -> dg.RunRequest | None:
    """The request for a failed run whose partitions Dagster was not told of; None where there is nothing to tell.

    Args:
        products: the jobs whose partitions Dagster shows.
    """
    if run.job_name not in products or not all(tag in run.tags for tag in RANGE_TAGS) or EXIT_CLASS_TAG in run.tags:
        return None
    named = attempt_of(run.tags)
    done = TELLS_FOR_TAG in run.tags if named is None else store.end_of(control, *named).state == "SUCCEEDED"
    if not done:
        return None
    tags = {tag: run.tags[tag] for tag in RANGE_TAGS}
    told_for = run.tags.get(TELLS_FOR_TAG, run.run_id)
    return dg.RunRequest(
        run_key=f"tells for {run.run_id}", job_name=run.job_name, tags={**tags, **NO_RETRY, TELLS_FOR_TAG: told_for}
    )
