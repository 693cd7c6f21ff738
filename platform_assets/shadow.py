"""Shadows as a job: one step that computes a range beside the official one and compares. Not here: what is computed."""

from typing import TYPE_CHECKING, NoReturn

import dagster as dg

from casegold.domain.contract import SHADOW_LAYER
from casegold.domain.errors import CasegoldError, ConfigurationError, Deferred
from platform_assets.running import failure, run_attempt
from resources.platform import PlatformResource
from resources.runs import BACKFILL_TAG, NO_RETRY, tags_of

if TYPE_CHECKING:
    from casegold.manifest.model import PartitionRange
    from casegold.runtime.platform import Platform


@dg.op(
    name="compute_and_compare",
    tags=NO_RETRY,
    description="Compute an approved range beside what is official, judge it, and compare; nothing official changes.",
)
def compare_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Execute the attempt that the run's tags name.

    Raises:
        Failure: with the message and remedy of what went wrong.
    """
    try:
        outcome = run_attempt(context, platform.open(), SHADOW_LAYER, _refuse)
    except Deferred as deferred:
        context.add_output_metadata({"deferred": deferred.message})
        return
    except CasegoldError as error:
        raise failure(error) from error
    told = f"`casegold backfill status {context.run.tags[BACKFILL_TAG]}` shows what differs"
    context.add_output_metadata({**outcome.summary, "comparison": dg.MetadataValue.md(told)})


def _refuse(_platform: "Platform", _dataset: str, _wanted: "PartitionRange | None", _by: str) -> NoReturn:
    raise ConfigurationError(
        "a shadow is begun by its request",
        remedy="`casegold backfill request ... --mode SHADOW`; once approved, `casegold backfill execute REQUEST`",
    )


@dg.job(
    name="compute_shadow",
    description="Computes approved ranges beside the official ones and compares them: docs/approvals.md.",
    tags=tags_of("compute"),
)
def shadow_job() -> None:
    """One step, no asset: no dataset has another row afterwards."""
    compare_op()
