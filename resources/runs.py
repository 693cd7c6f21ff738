"""Links attempts of the core with Dagster runs: tags, job names, run requests. Not here: any decision."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from casegold.control.model import Attempt, Mode
from casegold.domain.contract import SHADOW_LAYER

AssetJob = UnresolvedAssetJobDefinition
"""What `define_asset_job` returns; Dagster does not export the name."""

RUN_ID_TAG = "casegold/run_id"
ATTEMPT_TAG = "casegold/attempt"
MODE_TAG = "casegold/mode"
BACKFILL_TAG = "casegold/backfill"
EXIT_CLASS_TAG = "casegold/exit_class"
DEFERRED_TAG = "casegold/deferred"

BY_HAND = "dagster-ui"
"""The recorded requester when a person launches or terminates a run in Dagster, which has no users of its own."""

NO_RETRY = {"dagster/retry_on_asset_or_op_failure": "false"}
"""Dagster never retries a run: exit classes 10, 40 and 50 are final, 20 and 30 get another attempt of the manifest."""

LANE_TAG = "casegold/lane"
"""The run queue limits the lane `compute`, so that one slot is always free for ingest."""

INGEST_LAYERS = frozenset({"bronze", "silver"})


def job_name(dataset: str) -> str:
    """The job for a dataset or claim: `ingest_case_events`, `compute_case_daily_snapshot`, `replay_events`.

    One job, `compute_shadow`, computes the shadows of all datasets.
    """
    layer, name = dataset.split("/")
    if layer == SHADOW_LAYER:
        return "compute_shadow"
    return f"{layer if layer == 'replay' else 'ingest' if layer in INGEST_LAYERS else 'compute'}_{name}"


def tags_of(lane: str) -> dict[str, str]:
    """The tags of every run of a job: `ingest` or `compute`, and no retries."""
    return {LANE_TAG: lane, **NO_RETRY}


def run_request(attempt: Attempt) -> dg.RunRequest:
    """The request for one attempt. It is idempotent: Dagster finds the run key of a repeated one and starts nothing."""
    tags = {RUN_ID_TAG: attempt.run_id, ATTEMPT_TAG: str(attempt.attempt), MODE_TAG: attempt.mode.value, **NO_RETRY}
    if attempt.backfill_run_id is not None:
        tags[BACKFILL_TAG] = attempt.backfill_run_id
    if attempt.partitions is not None and attempt.mode is not Mode.SHADOW:  # no asset has shadow partitions
        tags[ASSET_PARTITION_RANGE_START_TAG] = attempt.partitions.first.isoformat()
        tags[ASSET_PARTITION_RANGE_END_TAG] = attempt.partitions.last.isoformat()
    return dg.RunRequest(run_key=attempt.run_key, job_name=job_name(attempt.dataset), tags=tags)


def attempt_of(tags: Mapping[str, str]) -> tuple[str, int] | None:
    """Run id and attempt number in a run's tags; None for a run that the core did not request."""
    run_id = tags.get(RUN_ID_TAG)
    return None if run_id is None else (run_id, int(tags[ATTEMPT_TAG]))
