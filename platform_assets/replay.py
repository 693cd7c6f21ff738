"""Replays as a job: one step that sends the events of an approved backfill. Not here: what is sent, and who may ask."""

from typing import TYPE_CHECKING, NoReturn

import dagster as dg

from casegold.domain.errors import CasegoldError, ConfigurationError, Deferred
from platform_assets.running import failure, run_attempt
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, tags_of

if TYPE_CHECKING:
    from casegold.manifest.model import PartitionRange
    from casegold.runtime.platform import Platform


@dg.op(
    name="send_events",
    tags=NO_RETRY,
    description="Send the facts of an approved replay once more, marked with the backfill and their source position.",
)
def send_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Execute the attempt that the run's tags name.

    Raises:
        Failure: with the message and remedy of what went wrong.
    """
    from casegold.manifest.backfill_steps import REPLAYS  # noqa: PLC0415 - loads Postgres, definitions do without

    try:
        outcome = run_attempt(context, platform.open(), REPLAYS, _refuse)
    except Deferred as deferred:
        context.add_output_metadata({"deferred": deferred.message})
        return
    except CasegoldError as error:
        raise failure(error) from error
    context.add_output_metadata(dict(outcome.summary))


def _refuse(_platform: "Platform", _dataset: str, _wanted: "PartitionRange | None", _by: str) -> NoReturn:
    raise ConfigurationError(
        "a replay is begun by its request",
        remedy="`casegold backfill request ... --mode REPLAY`; once approved, `casegold backfill execute REQUEST`",
    )


@dg.job(
    name="replay_events",
    description="Sends the facts of approved replays once more: docs/approvals.md.",
    tags=tags_of("compute"),
)
def replay_job() -> None:
    """One step, no asset: no dataset has another row afterwards."""
    send_op()
