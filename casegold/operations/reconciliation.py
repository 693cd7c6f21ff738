"""The standing checks that compare ledger and lake, and the settling of undecided versions.

The checks look only at what is new since ledger and lake last agreed: counts and names, never rows. Not here: checks
that SQL alone answers (`control.integrity.standing_checks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from casegold.control.integrity import agreements, maintenance_requests, standing_checks
from casegold.control.integrity.agreements import Agreement
from casegold.control.integrity.standing_checks import MAX_SAMPLE, Answer, Question
from casegold.control.runs.claimed_tables import maintained_claims, published, tables_of
from casegold.domain.errors import Deferred, TableLost
from casegold.domain.sql import query

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

ROOM = "casegold.operations"

ASKED_BY = "reconcile"

LEDGER_AND_LAKE = Question(
    "ledger_equals_lake",
    "silver/case_events",
    "Bronze, silver and the refused records have as many rows as the ledger of ingests says.",
    "Rows were changed by hand, a table is gone or older, or this is a bug: docs/runbooks/lost-tables.md."
    " `casegold rebuild silver/case_events --reason ...` rebuilds silver from bronze.",
)
VERSIONS_AND_LAKE = Question(
    "versions_equal_lake",
    "gold/case_daily_snapshot",
    "The files of every official version are there, those of the newest ones are on main, and tags name them.",
    "Find out who else writes the table; `casegold reconcile --fix --reason ...` repairs main and lost files: "
    "docs/runbooks/lost-files.md. `casegold maintain` repairs tags.",
)
DEAD_STAGES = Question(
    "no_dead_stage",
    "gold/case_daily_snapshot",
    "No run that has ended left a staged branch.",
    "The nightly maintenance drops them; `casegold reconcile --fix` does so at once.",
    urgent=False,
)
ORPHANS = Question(
    "no_old_orphan",
    "gold/case_daily_snapshot",
    "No orphaned file is left that the nightly maintenance should have deleted.",
    "See why the schedule `nightly_maintenance` did not delete it; `casegold maintain` does so at once.",
    urgent=False,
)
MAINTAINED_WITHIN = timedelta(hours=36)
"""The first maintenance after an orphan's grace period deletes it; a busy claim may miss one night."""

IN_LAKE = (LEDGER_AND_LAKE, VERSIONS_AND_LAKE, DEAD_STAGES, ORPHANS)
ALL = (
    standing_checks.POSITIONS,
    LEDGER_AND_LAKE,
    standing_checks.UNDESCRIBED,
    standing_checks.UNDECIDED,
    VERSIONS_AND_LAKE,
    standing_checks.UNDELIVERED,
    standing_checks.UNHEARD,
    DEAD_STAGES,
    ORPHANS,
)
"""Every check of a reconciliation, in the order of an event's journey from its offset to its announcement."""

ROWS_OF = {
    "silver/case_events": {
        "bronze/case_events": "records",
        "silver/case_events": "accepted",
        "bronze/rejected_events": "refused",
    },
    "bronze/control_totals": {"bronze/control_totals": "accepted", "bronze/rejected_totals": "refused"},
}
"""Ingest -> table -> the column of the ledger that counts the table's rows."""

Finding = dict[str, Any]


def ask(platform: Platform, question: Question) -> Answer:
    """The answer to one of `IN_LAKE`.

    Raises:
        SourceUnavailable: Postgres or the lake does not answer.
    """
    if question == LEDGER_AND_LAKE:
        return ledger_and_lake(platform)
    if question == ORPHANS:
        with platform.control.read() as connection:
            every = maintained_claims(connection, platform.contracts)
        found = [orphan for claim in every for orphan in old_orphans(platform, claim)]
        return Answer(question, len(found), tuple(found[:MAX_SAMPLE]))
    asked = versions_that_differ if question == VERSIONS_AND_LAKE else dead_stages
    found = [finding for dataset in published(platform.contracts) for finding in asked(platform, dataset)]
    return Answer(question, len(found), tuple(found[:MAX_SAMPLE]))


def ledger_and_lake(platform: Platform) -> Answer:
    """Compare the row counts of both ingests' tables with their ledgers. The answer is calm while an ingest is open."""
    found: list[Finding] = []
    busy = False
    for dataset, tables in ROWS_OF.items():
        (ledger,) = platform.control.rows(query(ROOM, "reconcile_ledger"), {"dataset": dataset})
        for table, column in tables.items():
            try:
                rows = sum(file.record_count for file in platform.lake.data_files(table))
            except TableLost as lost:
                found.append({"table": table, "rows": lost.message, "ledger says": ledger[column]})
                continue
            if rows != ledger[column]:
                found.append({"table": table, "rows": rows, "ledger says": ledger[column], "up to": ledger["last_seq"]})
                busy = busy or ledger["busy"]
    return Answer(LEDGER_AND_LAKE, len(found), tuple(found), calm=busy)


def versions_that_differ(platform: Platform, dataset: str) -> Iterator[Finding]:
    """Differences between a dataset's recorded versions and its table. Reads nothing if nothing is new."""
    try:
        platform.lake.table(dataset)
    except TableLost as lost:
        yield {"dataset": dataset, "table": dataset, "problem": lost.message}
        return
    agreed = agreements.last(platform.control, dataset)
    versions = platform.control.rows(query(ROOM, "reconcile_versions"), {"dataset": dataset})
    yield from _tags_that_differ(platform, dataset, versions)
    completed = [row["version"] for row in versions if row["state"] == "COMPLETED"]
    now = Agreement(max(completed, default=0), platform.lake.table(dataset).metadata.current_snapshot_id or 0)
    if now == agreed:
        return
    found = [*_foreign_snapshots(platform, dataset, versions), *_files_that_are_gone(platform, dataset, agreed.version)]
    # Between commit and completion main is ahead of the ledger; `standing_checks.UNDECIDED` reports if it stays so.
    undecided = any(row["state"] in {"PREPARED", "ABANDONING"} for row in versions)
    if not undecided:
        found += _files_that_differ(platform, dataset)
    if not found and not undecided:
        with platform.control.write("reconcile-mark") as connection:
            agreements.record(connection, dataset, now)
    yield from found


def _tags_that_differ(platform: Platform, dataset: str, versions: list[dict[str, Any]]) -> Iterator[Finding]:
    """Tags that name no snapshot or another one than their version's, and tags without a version.

    Two kinds are left out: the tag of an undecided version, which came with its commit, and a tag that is too old,
    which maintenance removes.
    """
    from casegold.sink import tags  # noqa: PLC0415 - naming the checks must not load Iceberg

    official = {row["version"]: row["snapshot_id"] for row in versions if row["state"] == "COMPLETED"}
    undecided = {tags.tag_of(row["version"]) for row in versions if row["state"] in {"PREPARED", "ABANDONING"}}
    for change in tags.changes(platform.lake.table(dataset), official):
        if change.tag not in undecided and not tags.outlived(change, official):
            problem = f"names snapshot {change.found}, should name {change.wanted}"
            yield {"dataset": dataset, "tag": change.tag, "problem": problem}


def _foreign_snapshots(platform: Platform, dataset: str, versions: list[dict[str, Any]]) -> Iterator[Finding]:
    """Kept snapshots of main that name a published version which the ledger does not know."""
    from pyiceberg.table.snapshots import ancestors_of  # noqa: PLC0415 - naming the checks must not load Iceberg

    from casegold.sink.publish import RUN_ID, VERSION  # noqa: PLC0415

    known = {(row["version"], row["run_id"]) for row in versions if row["state"] != "ABANDONED"}
    table = platform.lake.table(dataset)
    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        said = snapshot.summary.additional_properties if snapshot.summary else {}
        if VERSION in said and (int(said[VERSION]), said.get(RUN_ID)) not in known:
            yield {"dataset": dataset, "snapshot": snapshot.snapshot_id, "problem": f"unknown version {said[VERSION]}"}


def _files_that_differ(platform: Platform, dataset: str) -> Iterator[Finding]:
    """Files of official versions that are not on main, and files on main that no official version has."""
    rows = platform.control.rows(query(ROOM, "reconcile_current_files"), {"dataset": dataset})
    recorded = {row["file_path"]: row["record_count"] for row in rows}
    files = platform.lake.data_files(dataset)
    on_main = {file.file_path: file.record_count for file in files}
    for path, times in sorted(Counter(file.file_path for file in files).items()):
        if times > 1:
            yield {"dataset": dataset, "file": path, "problem": f"on main {times} times"}
    for path in sorted(recorded.keys() ^ on_main.keys()):
        where = "not on main" if path in recorded else "on main, of no official version"
        yield {"dataset": dataset, "file": path, "problem": where}
    for path in sorted(recorded.keys() & on_main.keys()):
        if recorded[path] != on_main[path]:
            yield {"dataset": dataset, "file": path, "problem": f"{on_main[path]} rows, recorded {recorded[path]}"}


def _files_that_are_gone(platform: Platform, dataset: str, after: int) -> Iterator[Finding]:
    """Recorded files of the versions after `after` that do not exist."""
    io = platform.lake.table(dataset).io
    rows = platform.control.rows(query(ROOM, "reconcile_new_files"), {"dataset": dataset, "after": after})
    for path in sorted(row["file_path"] for row in rows):
        if not io.new_input(path).exists():
            yield {"dataset": dataset, "file": path, "problem": "does not exist"}


def dead_stages(platform: Platform, dataset: str) -> Iterator[Finding]:
    """Branches of attempts that have ended and whose stage is no longer needed."""
    from casegold.sink.maintenance import dead_branches  # noqa: PLC0415 - naming the checks must not load Iceberg
    from casegold.sink.staging import branch_name  # noqa: PLC0415

    with platform.control.read() as connection:
        ended = [branch_name(*attempt) for attempt in maintenance_requests.ended_attempts(connection, dataset)]
    with suppress(TableLost):  # the checks of rows and versions report it
        for branch in dead_branches(platform.lake, dataset, ended):
            yield {"dataset": dataset, "branch": branch}


def old_orphans(platform: Platform, claim: str) -> Iterator[Finding]:
    """Files of a claim's tables that maintenance should have deleted. The only check that lists the storage."""
    from casegold.sink.orphans import find_orphans  # noqa: PLC0415 - naming the checks must not load Iceberg

    def named() -> set[str]:
        with platform.control.read() as connection:
            return maintenance_requests.named_files(connection, table)

    for table in tables_of(claim):
        with suppress(TableLost):  # the checks of rows and versions report it
            for orphan in find_orphans(platform.lake, table, named, now=datetime.now(UTC) - MAINTAINED_WITHIN):
                yield {"table": table, "file": orphan.path, "written": orphan.written_at.isoformat()}


def settle(platform: Platform, launcher_ref: str, *, stages: bool) -> list[str]:
    """Settle every undecided version that no run is working on. Return the datasets where that was done.

    A dataset with an open run is left to that run, which settles first.

    Args:
        stages: also drop the stages of dead runs.
    """
    from casegold.operations import nightly_maintenance  # noqa: PLC0415 - loads Iceberg

    wanted = {dataset for dataset, _ in undecided(platform)}
    if stages:
        wanted |= {dataset for dataset in published(platform.contracts) if next(dead_stages(platform, dataset), None)}
    settled = []
    for dataset in sorted(wanted):
        try:
            nightly_maintenance.maintain(platform, dataset, ASKED_BY, launcher_ref)
        except (Deferred, TableLost):  # only a person has a lost table repaired, with a reason
            continue
        settled.append(dataset)
    return settled


def undecided(platform: Platform) -> tuple[tuple[str, int], ...]:
    """Dataset and version of each undecided version that no run is working on. Asks Postgres only."""
    answer = standing_checks.ask(platform.control, standing_checks.UNDECIDED)
    return tuple((str(row["dataset"]), int(row["version"])) for row in answer.sample)
