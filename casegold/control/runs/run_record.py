"""Everything recorded of one run, collected for an auditor; its schema is `contracts/answers/RunManifest.v1.json`.

Not here: anything that a run depends on, printing.
"""

from __future__ import annotations

from typing import Any

from casegold.control.db import Connection
from casegold.control.model import BACKFILL_RUN_ID
from casegold.domain.contract import Contracts, DatasetContract, PartitionedBy
from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.domain.sql import query

ROOM = "casegold.control.runs"

SCHEMA = "urn:casegold:run-manifest:1"

Row = dict[str, Any]

NOT_JUDGED, PASSED, WAIVED, FAILED = "NOT_JUDGED", "PASSED", "WAIVED", "FAILED"


def of_run(connection: Connection, run_id: str, contracts: Contracts) -> Row:
    """The record of a run, with the names and order of its JSON Schema; read in one transaction.

    Raises:
        ConfigurationError: there is no such run.
    """

    def rows(name: str, **more: Any) -> list[Row]:
        return connection.execute(query(ROOM, name), {"run_id": run_id, **more}).fetchall()

    found = rows("run_get")
    if not found:
        raise ConfigurationError(f"there is no run {run_id}", remedy="`casegold runs` lists them")
    (run,) = found
    backfill = run["parameters"].get(BACKFILL_RUN_ID)
    partitions = rows("run_version_partitions")
    contract = next((each for each in contracts if each.dataset == run["dataset"]), None)
    return {
        "schema": SCHEMA,
        "run_id": run["run_id"],
        "pipeline": run["pipeline"],
        "dataset": run["dataset"],
        "owners": [] if contract is None else list(contract.owners),
        "mode": run["mode"],
        "state": run["state"],
        "partitions": None if run["first"] is None else {"first": run["first"], "last": run["last"]},
        "scope": run["scope"],
        "transform_version": run["transform_version"],
        "parameters": run["parameters"],
        "requested_by": run["requested_by"],
        "requested_at": run["requested_at"],
        "caused_by": run["caused_by"],
        "ended_at": run["ended_at"],
        "outcome": run["outcome"],
        "claim": next(iter(rows("run_claim")), None),
        "triggers": rows("run_triggers", backfill=backfill),
        "backfill": _backfill(rows("run_backfill", backfill=backfill), rows("run_approvals", backfill=backfill)),
        "attempts": [_attempt(row) for row in rows("run_attempts")],
        "decisions": rows("run_decisions"),
        "ingested": rows("run_ingested"),
        "inputs": rows("run_inputs"),
        "day_closes": [row for span in _dates(run, contract) for row in rows("run_day_closes", **span)],
        "validation": _validation(rows("run_checks")),
        "holds": rows("run_holds"),
        "versions": [_version(row, partitions) for row in rows("run_versions")],
        "verifications": rows("run_verifications"),
        "announcements": rows("run_announcements"),
    }


def _dates(run: Row, contract: DatasetContract | None) -> list[Row]:
    """The range of dates that the run's partitions cover; empty for a run without partitions."""
    if run["first"] is None or contract is None or contract.partitioned_by is PartitionedBy.NONE:
        return []
    return [{"first": run["first"], "last": contract.period(run["last"])[1]}]


def _backfill(request: list[Row], approvals: list[Row]) -> Row | None:
    return {**request[0], "approvals": approvals} if request else None


def _attempt(row: Row) -> Row:
    code = row["exit_class"]
    return {**row, "exit_name": None if code is None else ExitClass(code).name}


def _validation(checks: list[Row]) -> Row:
    """The verdict of the last judgement, and every check result of all judgements."""
    last = max((check["attempt"] for check in checks), default=None)
    required = [check for check in checks if check["attempt"] == last and check["required"]]
    failed = [check for check in required if check["status"] in ("FAILED", "MISSING")]
    if not required:
        verdict = NOT_JUDGED
    elif failed:
        verdict = FAILED
    else:
        verdict = WAIVED if any(check["status"] == "WAIVED" for check in required) else PASSED
    return {
        "verdict": verdict,
        "attempt": last,
        "required": len(required),
        "failed": len(failed),
        "checks": checks,
    }


def _version(version: Row, partitions: list[Row]) -> Row:
    """A version with one entry per partition: each has a digest of its own."""
    own = [
        each for each in partitions if (each["dataset"], each["version"]) == (version["dataset"], version["version"])
    ]
    bare = [{name: value for name, value in each.items() if name not in ("dataset", "version")} for each in own]
    return {**version, "partition_states": bare}
