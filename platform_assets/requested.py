"""Replays and shadows: jobs of one step without an asset, because no rows of a dataset change.

Not here: the work of the step, and who may request it.
"""

from typing import TYPE_CHECKING, NoReturn

import dagster as dg

from casegold.domain.contract import SHADOW_LAYER
from casegold.domain.errors import CasegoldError, ConfigurationError, Deferred
from platform_assets.running import failure, run_attempt
from resources.platform import PlatformResource
from resources.runs import BACKFILL_TAG, NO_RETRY, tags_of

if TYPE_CHECKING:
    from casegold.control.model import PartitionRange
    from casegold.jobs.outcome import Outcome
    from casegold.runtime.platform import Platform


@dg.op(
    name="send_events",
    tags=NO_RETRY,
    description="Send the facts of an approved replay again, marked with the backfill and their source position.",
)
def send_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Execute the attempt that the run's tags name. Raises Failure with message and remedy."""
    from casegold.control.changes.backfill_steps import REPLAYS  # noqa: PLC0415 - loads PostgreSQL

    outcome = _execute(context, platform, REPLAYS)
    if outcome is not None:
        context.add_output_metadata(dict(outcome.summary))


@dg.op(
    name="compute_and_compare",
    tags=NO_RETRY,
    description="Compute an approved range as a shadow, judge it, and compare it; nothing official changes.",
)
def compare_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Execute the attempt that the run's tags name. Raises Failure with message and remedy."""
    outcome = _execute(context, platform, SHADOW_LAYER)
    if outcome is not None:
        told = f"`casegold backfill status {context.run.tags[BACKFILL_TAG]}` shows what differs"
        context.add_output_metadata({**outcome.summary, "comparison": dg.MetadataValue.md(told)})


@dg.job(
    name="replay_events",
    description="Sends the facts of approved replays again: docs/approvals.md.",
    tags=tags_of("compute"),
)
def replay_job() -> None:
    """One step."""
    send_op()


@dg.job(
    name="compute_shadow",
    description="Computes approved ranges as shadows and compares them with the official ones: docs/approvals.md.",
    tags=tags_of("compute"),
)
def shadow_job() -> None:
    """One step."""
    compare_op()


def _execute(context: dg.OpExecutionContext, platform: PlatformResource, dataset: str) -> "Outcome | None":
    try:
        return run_attempt(context, platform.open(), dataset, _refuse)
    except Deferred as deferred:
        context.add_output_metadata({"deferred": deferred.message})
        return None
    except CasegoldError as error:
        raise failure(error) from error


def _refuse(_platform: "Platform", _dataset: str, _wanted: "PartitionRange | None", _by: str) -> NoReturn:
    raise ConfigurationError(
        "a replay or a shadow cannot be launched by hand: it needs an approved request",
        remedy="`casegold backfill request ... --mode REPLAY|SHADOW`, then `casegold backfill execute REQUEST`",
    )
