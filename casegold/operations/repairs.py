"""Repairs of tables for a person: requested, executed and recorded like any run.

Not here: what a repair does (`jobs.rebuild`, `jobs.repair`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casegold.control.integrity import repair_ledger, repair_requests
from casegold.control.model import Attempt, Pipeline
from casegold.control.versions import commit
from casegold.domain.errors import ConfigurationError, Deferred, TableLost
from casegold.jobs.launch import launch
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform
from casegold.sink.read_back import missing
from casegold.sink.repair import difference

REBUILT = "silver/case_events"
"""The claim of the tables that are made from bronze: silver and the refused records."""


def rebuild(platform: Platform, dataset: str, reason: str) -> Outcome:
    """Rebuild what silver and the refused records lack, from bronze.

    Raises:
        ConfigurationError: the dataset is not made from bronze.
        Deferred: an ingest is open, or another run owns silver.
        InvariantBroken: the result differs from the ledger; nothing has changed.
    """
    if dataset != REBUILT:
        raise ConfigurationError(
            f"{dataset} is not made from bronze",
            remedy=f"`casegold rebuild {REBUILT}` also makes bronze/rejected_events again; for other tables see "
            "docs/runbooks/lost-tables.md",
        )
    with platform.control.write("rebuild-ask") as connection:
        attempt = repair_requests.ask(connection, Pipeline.REBUILD, dataset, reason)
    attempt = _asked(attempt, dataset)
    return launch(platform, attempt.run_id, attempt.attempt, "casegold rebuild")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: one row for each file, and the figures of its run."""

    files: list[dict[str, Any]]
    outcome: Outcome


def needs_repair(platform: Platform, dataset: str) -> bool:
    """Whether main differs from the official versions, a file of any version is missing, or a repair died.

    Checks every file. False while a version is undecided: that has to be settled first.
    """
    try:
        platform.lake.table(dataset)
        with platform.control.read() as connection:
            if repair_requests.is_open(connection, Pipeline.REPAIR, dataset):
                return True
            if commit.undecided_number(connection, dataset) is not None:
                return False
        if difference(platform.lake, dataset, repair_ledger.official(platform.control, dataset)):
            return True
        paths = [each.file.path for each in repair_ledger.recorded(platform.control, dataset)]
        return bool(missing(platform.lake, dataset, paths))
    except TableLost:
        return True


def repair(platform: Platform, dataset: str, reason: str) -> Repaired:
    """Make main of a dataset hold the official versions again, and restore lost files, for the person who is logged in.

    Raises:
        Deferred: a run of the dataset is open.
        NotReproduced: computing a lost file again gives other rows.
        InvariantBroken: a lost file cannot be computed again here.
    """
    with platform.control.write("repair-ask") as connection:
        attempt = repair_requests.ask(connection, Pipeline.REPAIR, dataset, reason)
    attempt = _asked(attempt, dataset)
    outcome = launch(platform, attempt.run_id, attempt.attempt, "casegold reconcile")
    return Repaired(repair_ledger.of_run(platform.control, attempt.run_id), outcome)


def _asked(attempt: Attempt | None, dataset: str) -> Attempt:
    if attempt is None:
        raise Deferred(
            f"a run of {dataset} is open; `casegold runs list --dataset {dataset}` shows it: "
            "let it end or cancel it, then ask again"
        )
    return attempt
