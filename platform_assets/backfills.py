"""Backfills from the UI: a job that shows the plan of a backfill, and a job that begins an approved one.

Requests and approvals stay on the command line, where a login identifies the person; Dagster has no users.
"""

from datetime import date

import dagster as dg

from casegold.domain.errors import CasegoldError
from platform_assets import pictures
from platform_assets.running import failure
from resources.platform import PlatformResource
from resources.runs import BACKFILL_TAG, NO_RETRY, tags_of


class Range(dg.Config):
    """The range to recompute. Dates as `2026-01-31`; for monthly and quarterly datasets, any day of the period."""

    dataset: str
    first: str
    last: str


class Approved(dg.Config):
    """The request to begin: its id, `bf_...`, or a prefix of it."""

    request: str


@dg.op(name="show_plan", tags=NO_RETRY, description="Show what a backfill of a range would change, admit and cost.")
def plan_op(context: dg.OpExecutionContext, config: Range, platform: dg.ResourceParam[PlatformResource]) -> None:
    """A dry run: it requests nothing.

    Raises:
        Failure: the range cannot be planned; it says why.
    """
    from casegold.control.changes.backfill_plan import Wanted  # noqa: PLC0415 - loads PostgreSQL
    from casegold.control.model import Mode, PartitionRange  # noqa: PLC0415
    from casegold.operations.backfills import plan_of, rows_of  # noqa: PLC0415

    opened = platform.open()
    try:
        contract = opened.contracts[config.dataset]
        keys = [contract.partition_of(date.fromisoformat(text)) for text in (config.first, config.last)]
        made = plan_of(opened, Wanted(config.dataset, PartitionRange(*keys), Mode.BACKFILL))
    except CasegoldError as error:
        raise failure(error) from error
    ask = f"casegold backfill request {config.dataset} {keys[0]} {keys[1]} --reason ..."
    context.add_output_metadata(
        {
            "plan": dg.MetadataValue.md(pictures.table(("what", "value"), rows_of(made))),
            "to ask for it": dg.MetadataValue.text(ask),
        }
    )


@dg.op(name="begin", tags=NO_RETRY, description="Begin an approved backfill; the planner then requests its runs.")
def begin_op(context: dg.OpExecutionContext, config: Approved, platform: dg.ResourceParam[PlatformResource]) -> None:
    """The platform's own step, after people have approved.

    Raises:
        Failure: it is not approved, or its basis has changed; the refusal is in the audit trail.
    """
    from casegold.operations.backfills import begin  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    try:
        begun = begin(platform.open(), config.request)
    except CasegoldError as error:
        raise failure(error) from error
    context.instance.add_run_tags(context.run_id, {BACKFILL_TAG: begun.answer.subject})
    context.add_output_metadata(
        {
            "backfill": begun.answer.subject,
            "state": begun.answer.state,
            "message": begun.answer.message,
            "follow it": f"runs with the tag {BACKFILL_TAG}={begun.answer.subject}",
        }
    )


@dg.job(
    name="plan_backfill",
    description="Shows what a backfill would change, admit and cost, without requesting it. docs/approvals.md.",
    tags=tags_of("compute"),
)
def plan_job() -> None:
    """One step, no asset."""
    plan_op()


@dg.job(
    name="execute_backfill",
    description="Begins a backfill that people have approved on the command line. docs/approvals.md.",
    tags=tags_of("compute"),
)
def execute_job() -> None:
    """One step, no asset: the backfill runs in the jobs of its datasets."""
    begin_op()
