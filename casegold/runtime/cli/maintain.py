"""`casegold maintain`: upkeep of the lake's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from casegold.domain.errors import Deferred
from casegold.runtime.cli.tables import show

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

DATASETS = (
    "bronze/case_events",
    "bronze/rejected_events",
    "bronze/control_totals",
    "silver/case_events",
    "gold/case_daily_snapshot",
    "reports/enforcement_report",
)
COLUMNS = ("dataset", "branches removed#", "snapshots expired#", "snapshots kept#", "note")


@click.command()
@click.argument("dataset", required=False, type=click.Choice(DATASETS))
def maintain(dataset: str | None) -> None:
    """Expire old snapshots and drop stages of ended runs; every version stays readable.

    A dataset with an open run is left for another time.
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    rows = [_maintain(platform, each) for each in ([dataset] if dataset else DATASETS)]
    show("Maintenance", COLUMNS, rows, empty="nothing to maintain")


def _maintain(platform: Platform, dataset: str) -> tuple[str | int | float | None, ...]:
    from casegold.manifest import maintenance, store  # noqa: PLC0415 - with the platform
    from casegold.runtime import batch_job  # noqa: PLC0415 - with the platform

    head = platform.lake.table(dataset).metadata.current_snapshot_id or 0
    with platform.control.write("maintenance-ask") as connection:
        manifest = maintenance.request(connection, dataset, head, datetime.now(UTC).date(), "casegold maintain")
        attempt = None if manifest is None else store.next_attempt(connection, manifest.run_id, "casegold maintain")
    if manifest is None:
        return (dataset, None, None, None, "left alone: a run of it is open")
    if attempt is None:
        return (dataset, None, None, None, f"done today for this state: {manifest.state}")
    try:
        done = batch_job.execute(platform, attempt.run_id, attempt.attempt, "casegold maintain").summary
    except Deferred as deferred:
        return (dataset, None, None, None, deferred.message)
    return (dataset, *(done[column.rstrip("#")] for column in COLUMNS[1:4]), None)


commands = (maintain,)
