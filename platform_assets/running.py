"""Executes an attempt of the core in a Dagster run, and reports its result to Dagster.

All launches use the same code: a run from a sensor names its attempt in tags. A manual launch requests an attempt,
verifies partitions that are already official, or is refused if another range is due. Not here: the events of an asset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from casegold.domain.errors import CasegoldError, Deferred, ExitClass, NotReproduced
from casegold.jobs.outcome import Outcome
from platform_assets.partitions import wanted_range
from resources.runs import ATTEMPT_TAG, BY_HAND, DEFERRED_TAG, EXIT_CLASS_TAG, RUN_ID_TAG, attempt_of

if TYPE_CHECKING:
    from casegold.control.model import Attempt, PartitionRange
    from casegold.runtime.platform import Platform
    from casegold.scheduling.manual import Settled

Context = dg.AssetExecutionContext | dg.OpExecutionContext

Ask = Callable[["Platform", str, "PartitionRange | None", str], "Attempt | Settled"]
"""Asks the core what to do for a manual launch; arguments: platform, dataset, selected range, requester."""


class FailureWithoutTrace(DagsterUserCodeProcessError, dg.Failure):
    """A failure that Dagster shows without a stack trace, because its message is complete.

    For an error from another process, Dagster shows that error's stack instead of its own. This class passes an empty
    one.
    """

    def __init__(self, description: str, metadata: Mapping[str, str | int]) -> None:
        told = SerializableErrorInfo(message=f"{description}\n", stack=[], cls_name="Failure")
        super().__init__(  # type: ignore[no-untyped-call]  # as Dagster has it
            description=description,
            metadata=metadata,
            allow_retries=False,
            user_code_process_error_infos=[told],
        )


def run_attempt(context: Context, platform: Platform, dataset: str, ask: Ask) -> Outcome:
    """Execute the attempt in the run's tags, or else the one that `ask` returns; verify partitions that are settled.

    Raises:
        Deferred: another run owns the dataset, or the attempt has ended; the run is tagged as deferred.
        GateClosed: the partitions were judged and are held.
        NotReproduced: a verified partition differs.
        CasegoldError: with its exit class; the run is tagged with it.
    """
    from casegold.control.model import Attempt  # noqa: PLC0415 - loads PostgreSQL, which definitions do not need
    from casegold.jobs.launch import launch  # noqa: PLC0415 - loads Iceberg
    from casegold.jobs.verification import confirm  # noqa: PLC0415

    try:
        named = attempt_of(context.run.tags)
        if named is None:
            asked = ask(platform, dataset, wanted_range(context), BY_HAND)
            if not isinstance(asked, Attempt):
                return confirm(platform, dataset, asked.partitions, BY_HAND)
            named = asked.run_id, asked.attempt
            label(context, {RUN_ID_TAG: asked.run_id, ATTEMPT_TAG: str(asked.attempt)})
        return launch(platform, *named, context.run.run_id)
    except Deferred as deferred:
        label(context, {DEFERRED_TAG: deferred.message})
        raise
    except CasegoldError as error:
        label(context, {EXIT_CLASS_TAG: str(int(error.exit_class))})
        raise
    except Exception:
        label(context, {EXIT_CLASS_TAG: str(int(ExitClass.BUG))})
        raise
    except dg.DagsterExecutionInterruptedError:
        _record_termination(context, platform)
        raise


def failure(error: CasegoldError) -> dg.Failure:
    """The failure of a run as people see it; Dagster does not retry it.

    Only a bug has a stack trace: the message of any other error says what to do.
    """
    description = f"{error.message}\n{error.remedy}" if error.remedy else error.message
    metadata: dict[str, str | int] = {
        "exit class": int(error.exit_class),
        "exit": error.exit_class.name,
        "remedy": error.remedy,
    }
    if error.exit_class is ExitClass.BUG and not isinstance(error, NotReproduced):
        return dg.Failure(description, metadata, allow_retries=False)
    return FailureWithoutTrace(description, metadata)


def label(context: Context, tags: Mapping[str, str]) -> None:
    """Tag the run, so that lists of runs show how it ended."""
    context.instance.add_run_tags(context.run.run_id, dict(tags))


def keep_connections(context: Context) -> None:
    """Make the storage of this process reuse connections. Call it before recording many events.

    Otherwise every event opens several connections: 33 to 45 ms per event instead of 6 to 9 (docs/performance.md).
    """
    context.instance.optimize_for_webserver(statement_timeout=0, pool_recycle=3600, max_overflow=1)


def _record_termination(context: Context, platform: Platform) -> None:
    """Cancel the manifest of a run that a person terminates, before a sensor requests its next attempt.

    Any other interrupt, such as a shutdown, cancels nothing.
    """
    from casegold.scheduling.ticks import cancelled  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    run = context.instance.get_run_by_id(context.run.run_id)
    if run is None or run.status is not dg.DagsterRunStatus.CANCELING:
        return
    named = attempt_of(run.tags)
    if named is not None:
        cancelled(platform, *named, BY_HAND, f"Dagster run {run.run_id} was terminated")
