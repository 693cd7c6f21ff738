"""The nightly verification as a job: one step that recomputes a rotating sample of official partitions.

Not here: the verification itself, and manual launches, which verify in the asset's own job (`running`).
"""

from typing import TYPE_CHECKING

import dagster as dg

from casegold.control.integrity.verifications import Found
from casegold.control.planning.planner import is_computed
from casegold.domain.errors import CasegoldError, NotReproduced
from platform_assets import pictures
from platform_assets.running import failure, label
from resources.platform import PlatformResource
from resources.runs import EXIT_CLASS_TAG, NO_RETRY, tags_of

if TYPE_CHECKING:
    from casegold.control.integrity.verifications import Verification
    from casegold.runtime.platform import Platform

ASKED_BY = "nightly verification"
COLUMNS = ("dataset", "partition", "version", "outcome", "reason")


@dg.op(
    name="verify_sample",
    tags=NO_RETRY,
    description="Recompute official partitions, least recently verified first, and compare; no figure changes.",
)
def verify_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Verify a sample of every computed dataset, one after the other.

    An unverifiable partition does not fail the run: the check `figures_verifiable` reports it until it can be verified
    or is replaced.

    Raises:
        Failure: a partition differs, or a server or the storage does not respond.
    """
    try:
        every = _verified(platform.open())
    except CasegoldError as error:
        label(context, {EXIT_CLASS_TAG: str(int(error.exit_class))})
        raise failure(error) from error
    rows = [(each.dataset, each.partition, each.version, each.outcome, each.reason) for each in every]
    counts = {outcome.lower(): sum(each.outcome is outcome for each in every) for outcome in Found}
    table = dg.MetadataValue.md(pictures.table(COLUMNS, rows))
    context.add_output_metadata({"partitions": len(every), **counts, "what was found": table})
    for each in every:
        if each.outcome is Found.UNVERIFIABLE:
            context.log.warning("%s %s is unverifiable: %s", each.dataset, each.partition, each.reason)
    difference = _difference(every)
    if difference is not None:
        label(context, {EXIT_CLASS_TAG: str(int(difference.exit_class))})
        raise failure(difference)


@dg.job(
    name="verify_figures",
    description="Recomputes a sample of official figures and compares them: docs/verification.md.",
    tags=tags_of("compute"),
)
def verification_job() -> None:
    """One step, no asset: no rows of a dataset change."""
    verify_op()


def _verified(platform: "Platform") -> list["Verification"]:
    from casegold.jobs.verification import sample, verify  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    size = platform.settings.verification_sample
    return [
        found
        for contract in platform.contracts.in_order()
        if is_computed(contract)
        for found in verify(platform, contract.dataset, sample(platform, contract.dataset, size), ASKED_BY)
    ]


def _difference(every: list["Verification"]) -> NotReproduced | None:
    from casegold.jobs.verification import different  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    return different(every)
