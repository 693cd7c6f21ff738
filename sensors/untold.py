"""Finished work that Dagster does not show, because its run died or lost Dagster's database: another run records it.

The ledger says that the attempt succeeded, but Dagster shows its partitions as they were before. A launch of official
partitions verifies them and records them as materialised, so that is requested. Not here: the results of attempts.
"""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from casegold.control.db import ControlDb
from casegold.control.runs import attempts
from resources.runs import EXIT_CLASS_TAG, NO_RETRY, attempt_of

TELLS_FOR_TAG = "casegold/tells_for"
"""Tag of a run that verifies partitions of another run: the id of that Dagster run."""

RANGE_TAGS = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)


def catch_up_request(control: ControlDb, run: dg.DagsterRun, products: Collection[str]) -> dg.RunRequest | None:
    """The request for a failed run whose published partitions Dagster does not show; None if there are none.

    Args:
        products: the jobs whose partitions Dagster shows.
    """
    if run.job_name not in products or not all(tag in run.tags for tag in RANGE_TAGS) or EXIT_CLASS_TAG in run.tags:
        return None
    named = attempt_of(run.tags)
    done = TELLS_FOR_TAG in run.tags if named is None else attempts.end_of(control, *named).state == "SUCCEEDED"
    if not done:
        return None
    tags = {tag: run.tags[tag] for tag in RANGE_TAGS}
    told_for = run.tags.get(TELLS_FOR_TAG, run.run_id)
    return dg.RunRequest(
        run_key=f"tells for {run.run_id}", job_name=run.job_name, tags={**tags, **NO_RETRY, TELLS_FOR_TAG: told_for}
    )
