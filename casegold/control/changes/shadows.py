"""Shadows: figures computed next to the official ones, how they differ, and their promotion. A shadow is no version.

Not here: computing and comparing them (`jobs.shadow`), approving them (`approvals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.changes import backfill_requests, backfill_steps
from casegold.control.changes.backfill_steps import UnderWay
from casegold.control.db import Connection
from casegold.control.model import BACKFILL_RUN_ID, Claim, ManifestRequest, Mode, PartitionRange, Pipeline, RunManifest
from casegold.control.runs import claims, manifests
from casegold.control.versions import holds, official_state, period_inputs
from casegold.control.versions.model import VersionFile, VersionPartition
from casegold.domain.contract import Contracts, DatasetContract, shadow_of
from casegold.domain.difference import ColumnDifference, PartitionDifference, RowDifference
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.changes"

KEPT = timedelta(days=90)
"""How long the rows of a shadow stay readable. The recorded comparison stays for good."""


@dataclass(frozen=True, slots=True)
class ShadowPartition:
    """A partition of a shadow: its figures, its files, and its differences from the official partition."""

    figures: VersionPartition
    passed: bool
    difference: PartitionDifference
    files: tuple[VersionFile, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of a whole shadow: every column, and a sample of rows."""

    columns: tuple[ColumnDifference, ...]
    sample: tuple[RowDifference, ...]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A range of a dataset computed for comparison; its rows are on a branch of a separate table.

    `is_over`: the rows were kept for `KEPT` and may be deleted.
    """

    backfill_run_id: str
    dataset: str
    branch: str
    partitions: tuple[ShadowPartition, ...]
    comparison: Comparison
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Promotion:
    """A shadow that is to become official: its range, and a digest of its figures."""

    backfill_run_id: str
    first: date
    last: date
    partitions: int
    digest: str


def ask(connection: Connection, contracts: Contracts, first_date: date, asked_by: str) -> None:
    """Request the runs of shadows that were begun. Part of the planner's transaction.

    Args:
        first_date: the register's first.
    """
    for each in backfill_steps.under_way(connection):
        if each.mode is not Mode.SHADOW or each.state != "EXECUTING" or each.restatement is not None:
            continue
        if each.dataset not in contracts:  # removed since: wait until the contract is back, or people cancel
            continue
        scope = _scope(connection, contracts[each.dataset], first_date, each)
        if scope is not None:
            manifests.request(connection, _request(each, scope, asked_by))


def _request(each: UnderWay, scope: dict[str, Any], asked_by: str) -> ManifestRequest:
    return ManifestRequest(
        pipeline=Pipeline.SHADOW,
        dataset=shadow_of(each.dataset),
        scope=scope,
        transform_version=each.plan["pins"]["transform"],
        requested_by=asked_by,
        mode=Mode.SHADOW,
        parameters={BACKFILL_RUN_ID: each.backfill_run_id},
        partitions=PartitionRange(*_span(each.plan)),
        caused_by=(backfill_steps.cause_of(each),),
    )


def _span(plan: Mapping[str, Any]) -> tuple[date, date]:
    return date.fromisoformat(plan["first"]), date.fromisoformat(plan["last"])


def _scope(
    connection: Connection, contract: DatasetContract, first_date: date, each: UnderWay
) -> dict[str, Any] | None:
    """The scope, as of a run that publishes, at the plan's pins; None while an input has no official version."""
    first, last = _span(each.plan)
    pins = each.plan["pins"]
    scope = {
        "partitions": [first.isoformat(), last.isoformat()],
        "contract": holds.contract_scope(contract),
        "waivers": holds.waivers(connection, contract.dataset, PartitionRange(first, last)),
        "plan": each.plan_digest,
    }
    if not contract.reads_sequence:
        keys = contract.partitions_between(first, last)
        inputs = period_inputs.official_inputs(connection, contract, first_date, keys)
        return None if inputs is None else scope | {"inputs": inputs}
    return scope | {
        "admitted_seq": pins["admitted_seq"],
        "totals_seq": pins["totals_seq"],
        "previous_version": official_state.current_of(connection, contract.dataset, first - timedelta(days=1)),
    }


def record(connection: Connection, claim: Claim, new: Shadow) -> None:
    """Record a complete shadow.

    Raises:
        Deferred: the claim was taken over, or its backfill was stopped.
    """
    claims.assert_claim(connection, claim)
    backfill_requests.assert_executing(connection, claim.run_id)
    common: dict[str, Any] = {
        "id": new.backfill_run_id,
        "run_id": claim.run_id,
        "attempt": claim.attempt,
        "table": claim.dataset,
        "branch": new.branch,
        "dataset": new.dataset,
        "comparison": Jsonb(_comparison_json(new.comparison)),
    }
    connection.execute(query(ROOM, "shadow_insert"), common)
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "shadow_partition_insert"), [common | _columns(each) for each in new.partitions])


def find(connection: Connection, backfill_run_id: str) -> Shadow | None:
    """A shadow that was computed and compared; None if there is none yet."""
    row = connection.execute(query(ROOM, "shadow_get"), {"id": backfill_run_id, "kept": KEPT}).fetchone()
    if row is None:
        return None
    partitions = connection.execute(query(ROOM, "shadow_partitions"), {"id": backfill_run_id}).fetchall()
    return Shadow(
        backfill_run_id,
        row["dataset"],
        row["branch"],
        tuple(_partition(each) for each in partitions),
        _comparison(row["comparison"]),
        is_over=row["is_over"],
    )


def readable(connection: Connection, dataset: str, backfill_run_id: str) -> Shadow:
    """A shadow of a dataset whose rows are still kept.

    Raises:
        ConfigurationError: there is no such shadow, or its rows are no longer kept.
    """
    shadow = find(connection, backfill_run_id)
    if shadow is None or shadow.dataset != dataset:
        raise ConfigurationError(
            f"{backfill_run_id} has no figures of {dataset}",
            remedy="`casegold backfill status` shows its progress; only requests of mode SHADOW have any",
        )
    if shadow.is_over:
        raise ConfigurationError(
            f"the rows of {backfill_run_id} were kept for {KEPT.days} days",
            remedy="`casegold backfill status` still shows the comparison; for rows, compute another shadow",
        )
    return shadow


def why_not_computed(
    connection: Connection, contract: DatasetContract, first_date: date, partitions: PartitionRange
) -> list[str]:
    """The reasons why a shadow of a range cannot be computed now."""
    keys = contract.partitions_between(partitions.first, partitions.last)
    if contract.reads_sequence or period_inputs.official_inputs(connection, contract, first_date, keys) is not None:
        return []
    return [f"not every input of {contract.dataset} {partitions} is official"]


def promotion(connection: Connection, dataset: str, backfill_run_id: str) -> Promotion:
    """What the promotion of a shadow would make official.

    Raises:
        ConfigurationError: there is no such shadow of the dataset, or it is not complete.
    """
    row = connection.execute(query(ROOM, "shadow_of_range"), {"id": backfill_run_id}).fetchone()
    if row is None or row["dataset"] != dataset or row["partitions"] == 0:
        raise ConfigurationError(
            f"{backfill_run_id} is no shadow of {dataset} that was computed",
            remedy="`casegold backfill list --all` lists requests; name one of mode SHADOW that is COMPLETED",
        )
    return Promotion(backfill_run_id, row["first"], row["last"], row["partitions"], row["digest"])


def why_not_promoted(
    connection: Connection, contract: DatasetContract, promoted: Promotion, plan: Mapping[str, Any]
) -> list[str]:
    """The reasons why a backfill's plan would not give the figures of the shadow that people compared."""
    parameters = {"id": promoted.backfill_run_id}
    (row,) = connection.execute(query(ROOM, "shadow_of_range"), parameters).fetchall()
    name = f"shadow {promoted.backfill_run_id}"
    reasons = []
    if row["state"] != "COMPLETED":
        reasons.append(f"{name} is {row['state']}")
    if row["moved"]:
        reasons.append(f"{row['moved']} partitions have other versions than those that {name} was compared with")
    if (row["transform"], row["contract"]) != (plan["pins"]["transform"], plan["pins"]["contract"]):
        reasons.append(f"{name} was computed by {row['transform']} under another transform or contract")
    first, last = _span(plan)
    if first != promoted.first or last < promoted.last:
        reasons.append(f"{name} is of {promoted.first} to {promoted.last}, the plan of {first} to {last}")
    more = len(contract.partitions_between(promoted.first, last)) - promoted.partitions
    if more > contract.max_partitions_automatic:
        most = contract.max_partitions_automatic
        reasons.append(f"{more} partitions closed since {name}: more than the {most} that need no approval")
    if contract.reads_sequence:
        later = {"admitted_seq": row["admitted_seq"], "last": contract.period(promoted.last)[1]}
        (facts,) = connection.execute(query(ROOM, "backfill_later_facts"), later).fetchall()
        if facts["facts"]:
            reasons.append(f"{facts['facts']} facts that came since {name} change dates of it")
    return reasons


def assert_promised(connection: Connection, manifest: RunManifest, partitions: Iterable[VersionPartition]) -> None:
    """Check that a run which promotes a shadow publishes exactly its figures. Does nothing for other runs.

    Raises:
        ConfigurationError: a partition has other figures than the shadow that people agreed to.
    """
    if manifest.mode is not Mode.BACKFILL or manifest.backfill_run_id is None:
        return
    promised = {
        row["partition_key"]: (row["row_count"], int(row["digest_high"]), int(row["digest_low"]))
        for row in connection.execute(query(ROOM, "shadow_promised"), {"id": manifest.backfill_run_id})
    }
    broken = [
        each.key
        for each in partitions
        if each.key in promised and promised[each.key] != (each.rows, each.digest_high, each.digest_low)
    ]
    if broken:
        raise ConfigurationError(
            f"{len(broken)} partitions of {manifest.dataset}, {broken[0]} first, have other figures than the shadow "
            f"that {manifest.backfill_run_id} promotes",
            remedy="nothing was published; compute a new shadow and promote that",
        )


def _columns(each: ShadowPartition) -> dict[str, Any]:
    files = [asdict(file) | {"partition": file.partition.isoformat()} for file in each.files]
    return {
        "key": each.figures.key,
        "rows": each.figures.rows,
        "digest_high": each.figures.digest_high,
        "digest_low": each.figures.digest_low,
        "passed": each.passed,
        "official_version": each.difference.version_before,
        "added": each.difference.added,
        "removed": each.difference.removed,
        "changed": each.difference.changed,
        "files": Jsonb(files),
    }


def _partition(row: Mapping[str, Any]) -> ShadowPartition:
    key = row["partition_key"]
    return ShadowPartition(
        VersionPartition(key, row["row_count"], int(row["digest_high"]), int(row["digest_low"])),
        row["passed"],
        PartitionDifference(
            key,
            row["official_version"],
            None,
            row["rows_before"],
            row["row_count"],
            row["added"],
            row["removed"],
            row["changed"],
        ),
        tuple(VersionFile(**file | {"partition": date.fromisoformat(file["partition"])}) for file in row["files"]),
    )


def _comparison_json(compared: Comparison) -> dict[str, Any]:
    """Sums become strings: JSON has no decimals."""
    columns = [
        asdict(each) | {name: _text(getattr(each, name)) for name in ("sum_before", "sum_after")}
        for each in compared.columns
    ]
    return {
        "columns": columns,
        "sample": [asdict(each) | {"partition": str(each.partition)} for each in compared.sample],
    }


def _comparison(found: Mapping[str, Any]) -> Comparison:
    columns = (each | {name: _decimal(each[name]) for name in ("sum_before", "sum_after")} for each in found["columns"])
    rows = (each | {"partition": date.fromisoformat(each["partition"])} for each in found["sample"])
    return Comparison(
        tuple(ColumnDifference(**each) for each in columns), tuple(RowDifference(**each) for each in rows)
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
