"""The nightly maintenance of the lake as a job: one step that maintains claim after claim. Not here: its operations."""

from dataclasses import astuple
from typing import TYPE_CHECKING

import dagster as dg

from casegold.control.runs.claimed_tables import maintained_claims, tables_of
from casegold.domain.errors import CasegoldError, Deferred
from platform_assets import pictures
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, tags_of

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

COLUMNS = (
    "table",
    "branches removed",
    "files joined",
    "into",
    "partitions left",
    "manifests merged",
    "snapshots expired",
    "kept",
    "orphans",
    "bytes",
)
ASKED_BY = "nightly maintenance"

Row = tuple[str | int, ...]


@dg.op(
    name="maintain_lake",
    tags=NO_RETRY,
    description="Compact small files, merge manifests, expire snapshots, delete unreferenced files; no row changes.",
)
def maintain_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Maintain every claim. A busy one is left for the next night; a failed one does not stop the others.

    Raises:
        Failure: the maintenance of a claim failed; it says which and why.
    """
    opened = platform.open()
    with opened.control.read() as connection:
        every = maintained_claims(connection, opened.contracts)
    rows: list[Row] = []
    left: list[str] = []
    failed: list[str] = []
    for claim in every:
        try:
            rows += _maintained(opened, claim, context.run_id)
            context.log.info(f"{claim}: maintained")  # this event also shows sensors/dead_runs.py that the run is alive
        except Deferred as deferred:
            left.append(f"{claim}: {deferred.message}")
        except CasegoldError as error:
            failed.append(f"{claim}: {error}")
    told: dict[str, dg.MetadataValue] = {
        "tables": dg.MetadataValue.md(pictures.table(COLUMNS, rows)),
        "left for another time": dg.MetadataValue.text("; ".join(left) or "nothing"),
    }
    if failed:
        raise dg.Failure(description="\n".join(failed), metadata=told, allow_retries=False)
    context.add_output_metadata(told)


@dg.job(
    name="maintenance",
    description="Keeps tables fast to read and removes files that nobody needs: docs/maintenance.md.",
    tags=tags_of("compute"),
)
def maintenance_job() -> None:
    """One step, no asset: no rows of a dataset change."""
    maintain_op()


def _maintained(platform: "Platform", claim: str, run_id: str) -> list[Row]:
    from casegold.operations.nightly_maintenance import maintain  # noqa: PLC0415 - loads Iceberg

    done = maintain(platform, claim, ASKED_BY, run_id)
    return [(table, *astuple(done[table])) for table in tables_of(claim)]
