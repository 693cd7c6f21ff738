"""The commit protocol: prepare in Postgres, commit to main, complete in Postgres; or abandon. The only way to publish.

Main alone decides whether a version is published: it is if a snapshot's summary has its run id and number. Not here:
what is staged and whether it passed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from itertools import groupby
from typing import Any
from uuid import uuid4

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot, ancestors_of

from casegold.control.changes import backfill_requests
from casegold.control.db import Connection, ControlDb
from casegold.control.model import Claim
from casegold.control.runs import claims
from casegold.control.versions import commit
from casegold.control.versions.model import NewVersion, Prepared, short_id
from casegold.domain.errors import CommitUnknown, Deferred, InvariantBroken, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, Lake, move_head, storage_named
from casegold.sink.outbox import announce
from casegold.sink.staging import in_partitions, partition_filter, partition_of, remove_branch
from casegold.sink.tags import tag_new

RUN_ID = "casegold.run-id"
VERSION = "casegold.version"


@dataclass(frozen=True, slots=True)
class Published:
    """A version that is official."""

    dataset: str
    version: int
    snapshot_id: int


def publish(control: ControlDb, lake: Lake, claim: Claim, new: NewVersion) -> Published:
    """Publish the staged partitions of a version in one commit.

    Raises:
        Deferred: another run took over the claim or the version's token, or the run's backfill was stopped.
        CommitUnknown: the catalog does not answer; `resolve_undecided` settles the version later.
        InvariantBroken: main changed since the range was staged.
    """
    with control.write("version-prepare") as connection:
        claims.assert_claim(connection, claim)
        backfill_requests.assert_executing(connection, claim.run_id)
        prepared = commit.prepare(connection, claim, new)
    summary = {
        RUN_ID: prepared.run_id,
        "casegold.attempt": str(prepared.attempt),
        VERSION: str(prepared.version),
        "casegold.transform-version": new.transform_version,
        "casegold.mode": new.mode,
    }
    snapshot = _commit(control, lake, prepared, {partition.key for partition in new.partitions}, summary)
    with control.write("version-complete") as connection:
        claims.assert_claim(connection, claim)
        _complete(connection, lake, prepared, snapshot.snapshot_id)
    remove_branch(lake, prepared.dataset, prepared.staged_branch)
    return Published(prepared.dataset, prepared.version, snapshot.snapshot_id)


def resolve_undecided(control: ControlDb, lake: Lake, claim: Claim) -> Published | None:
    """Settle the version that a dead run of the claimed dataset left: complete it if it is on main, else abandon it.

    Returns:
        The version, if it turns out to be published.
    """
    with control.read() as connection:
        if commit.undecided_number(connection, claim.dataset) is None:
            return None
    with control.write("version-abandoning") as connection:
        claims.assert_claim(connection, claim)
        prepared = commit.undecided(connection, claim.dataset)
        if prepared is None:
            return None
        commit.abandoning(connection, prepared, uuid4())
    snapshot = landed(displace_head(lake, prepared), prepared)
    with control.write("version-settle") as connection:
        claims.assert_claim(connection, claim)
        if snapshot is not None:
            _complete(connection, lake, prepared, snapshot.snapshot_id)
        else:
            commit.abandon(connection, prepared, f"taken over by run {claim.run_id[:12]}")
    remove_branch(lake, prepared.dataset, prepared.staged_branch)
    return None if snapshot is None else Published(prepared.dataset, prepared.version, snapshot.snapshot_id)


def displace_head(lake: Lake, prepared: Prepared) -> Table:
    """Move main off its head unless the version is on it. The catalog then refuses a publisher paused on the old head.

    Only a changed head proves that. The catalog refuses the empty commit also if just a branch moved, and then a
    publisher paused on this head could still land.

    Raises:
        CommitUnknown: the head could not be moved.
    """
    table = lake.table(prepared.dataset)
    paused_on = table.metadata.current_snapshot_id
    for pause in range(COMMIT_ROUNDS):
        if table.metadata.current_snapshot_id != paused_on or landed(table, prepared) is not None:
            return table
        try:
            move_head(table, {"casegold.abandons": prepared.run_id})
        except LOST_ACKNOWLEDGEMENT:
            time.sleep(0.02 * pause)  # the next round sees whether it moved
        table = lake.table(prepared.dataset)
    raise CommitUnknown(
        f"the head of {prepared.dataset} could not be moved in {COMMIT_ROUNDS} rounds",
        remedy="the version stays undecided; the next run settles it first",
    )


def landed(table: Table, prepared: Prepared) -> Snapshot | None:
    """The snapshot on main that committed a version, if it is still kept; none expires while a version is undecided.

    The version's number is compared, too, because a person's retry of a run has the same run id.
    """
    wanted = {RUN_ID: prepared.run_id, VERSION: str(prepared.version)}
    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        summary = {} if snapshot.summary is None else snapshot.summary.additional_properties
        if wanted.items() <= summary.items():
            return snapshot
    return None


def _commit(
    control: ControlDb, lake: Lake, prepared: Prepared, keys: set[date], summary: Mapping[str, str]
) -> Snapshot:
    """Each round: read the head, look for the run id, check the token, commit onto exactly that head."""
    sent = False
    for _ in range(COMMIT_ROUNDS):
        try:
            table = lake.table(prepared.dataset)
        except SourceUnavailable as error:
            if not sent:
                raise
            raise CommitUnknown(
                f"whether version {prepared.version} of {prepared.dataset} landed is unknown: {error.message}",
                remedy="the next run settles it first; nothing is published twice",
            ) from error
        if (snapshot := landed(table, prepared)) is not None:
            return snapshot
        with control.read() as connection:
            if not commit.may_commit(connection, prepared):
                raise Deferred(f"version {prepared.version} of {prepared.dataset} was taken over by another run")
        sent = True
        try:
            _swap(lake, table, prepared, keys, summary)
        except CommitFailedException:
            continue  # the head moved
        except LOST_ACKNOWLEDGEMENT:
            continue  # the next round sees whether it landed
    raise CommitUnknown(
        f"version {prepared.version} of {prepared.dataset} did not get onto main in {COMMIT_ROUNDS} rounds",
        remedy="the next run settles it first",
    )


def _swap(lake: Lake, table: Table, prepared: Prepared, keys: set[date], summary: Mapping[str, str]) -> None:
    """One snapshot with its tag: removes the partitions' old files and adds the staged ones. Rewrites no row."""
    dataset = prepared.dataset
    head = table.current_snapshot()
    if head is None:
        raise InvariantBroken(f"{dataset} lost its snapshots")
    within = partition_filter(table, min(keys), max(keys))
    staged = in_partitions(lake.data_files(dataset, row_filter=within, snapshot_id=prepared.staged_snapshot_id), keys)
    base = in_partitions(lake.data_files(dataset, row_filter=within, snapshot_id=prepared.base_snapshot_id), keys)
    old = in_partitions(lake.data_files(dataset, row_filter=within, snapshot_id=head.snapshot_id), keys)
    if {file.file_path for file in old} != {file.file_path for file in base}:
        raise InvariantBroken(
            f"partitions of {dataset} changed on main since run {prepared.run_id[:12]} staged them",
            remedy="only casegold may write this table: find out who else did",
        )
    kept = {file.file_path for file in staged} & {file.file_path for file in old}
    with (
        storage_named(f"version {prepared.version} of {dataset}"),
        durable("publish-commit"),
        table.transaction() as transaction,
    ):
        with transaction.update_snapshot(dict(summary)).overwrite() as update:
            update.delete_by_predicate(within)
            for file in old:
                if file.file_path not in kept:
                    update.delete_data_file(file)
            for file in staged:
                if file.file_path not in kept:
                    update.append_data_file(file)
        tag_new(transaction, prepared.version, update.snapshot_id)


def _complete(connection: Connection, lake: Lake, prepared: Prepared, snapshot_id: int) -> None:
    keys = commit.partition_keys(connection, prepared)
    table = lake.table(prepared.dataset)
    within = partition_filter(table, keys[0], keys[-1])
    files = in_partitions(lake.data_files(prepared.dataset, row_filter=within, snapshot_id=snapshot_id), set(keys))
    committed = [(partition_of(file), file.file_path, file.record_count) for file in files]
    row = commit.complete(connection, prepared, snapshot_id, committed)
    if row is not None:
        _announce(connection, row, keys)


def _announce(connection: Connection, row: dict[str, Any], keys: list[date]) -> None:
    payload = {
        "eventType": "DatasetVersionPublished",
        "datasetId": row["dataset"],
        "datasetVersion": short_id(row["dataset"], row["version"]),
        "runId": row["run_id"],
        "qualityStatus": row["quality_status"],
        "publishedAt": row["completed_at"].astimezone(UTC).isoformat(),
        "versionNumber": row["version"],
        "partitions": _ranges(keys),
        "mode": row["mode"],
        # Consumers that notify people outside follow this: a recomputed past is no news.
        "notifications": "send" if row["mode"] == "NORMAL" else "suppress",
        "publication": row["publication"],
        "tolerated": row["tolerated"],
        "supersedes": row["supersedes"],
        "republishedFrom": row["republished_from"],
        "causedBy": row["caused_by"],
        "backfillRunId": row["backfill_run_id"],
    }
    announce(
        connection,
        aggregate_type="dataset",
        aggregate_id=row["dataset"],
        event_type="DatasetVersionPublished",
        key=str(row["version"]),
        payload=payload,
    )


def _ranges(keys: list[date]) -> list[dict[str, str]]:
    """Consecutive dates as ranges: ten years of days are one range."""
    found = []
    for _, run in groupby(enumerate(keys), key=lambda place: place[1].toordinal() - place[0]):
        dates = [day for _, day in run]
        found.append({"from": dates[0].isoformat(), "to": dates[-1].isoformat()})
    return found
