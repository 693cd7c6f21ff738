"""Rebuilds a table on a branch of its own, and then replaces the content of main with it in one commit.

Not here: which rows, and whether they are right (`jobs.rebuild`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from casegold.domain.errors import CommitUnknown, InvariantBroken
from casegold.domain.failpoints import durable
from casegold.sink.compaction import PURPOSE
from casegold.sink.lake import COMMIT_ROUNDS, LOST_ACKNOWLEDGEMENT, SEQUENCE, Lake, storage_named
from casegold.sink.staging import create_branch, remove_branch

PREFIX = "rebuild-"
REBUILT_TO = "casegold.rebuilt-to"
"""In the summary of a branch's snapshots: the number up to which it has rows. An empty branch has 0."""


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """One table that is being rebuilt. The caller holds its claim."""

    lake: Lake
    """From `Lake.for_mending`: accepts tables that are lost or older."""
    dataset: str
    run_id: str

    @property
    def branch(self) -> str:
        return f"{PREFIX}{self.run_id[:16]}"

    def begin(self) -> int:
        """Create the branch, empty at first. Return the number up to which it has rows.

        Branches of abandoned rebuilds are dropped: only the holder of the claim rebuilds.
        """
        self._remove_branches(but=self.branch)
        table = self.lake.table(self.dataset)
        create_branch(self.lake, self.dataset, self.branch, _head(table))
        return self._commit(0, self._empty)

    def end(self) -> None:
        """Drop the branch, whichever attempt put it on main, and branches that others left."""
        self._remove_branches(but="")

    def _remove_branches(self, but: str) -> None:
        for name in self.lake.table(self.dataset).refs():
            if name.startswith(PREFIX) and name != but:
                remove_branch(self.lake, self.dataset, name)

    def append(self, rows: pa.Table, seq: int) -> None:
        """Add the rows of all numbers up to `seq`, exactly once, however often this is called."""

        def send(table: Table) -> None:
            with storage_named(self.dataset), durable("rebuild-append"), table.transaction() as transaction:
                transaction.append(rows, snapshot_properties={REBUILT_TO: str(seq)}, branch=self.branch)

        self._commit(seq, send)

    def files(self) -> list[DataFile]:
        """The files of the branch."""
        snapshot = self.lake.table(self.dataset).snapshot_by_name(self.branch)
        if snapshot is None:
            raise InvariantBroken(f"{self.dataset} has no branch {self.branch}")
        return self.lake.data_files(self.dataset, snapshot_id=snapshot.snapshot_id)

    def switch(self, seq: int, check: Callable[[], None]) -> None:
        """Replace all of main with the branch, and set the number that it reaches.

        Args:
            check: called before each commit; raises if the claim is no longer ours.

        Raises:
            CommitUnknown: the catalog took none of the commits.
        """
        new = self.files()
        wanted = {file.file_path for file in new}
        for pause in range(COMMIT_ROUNDS):
            table = self.lake.table(self.dataset)
            old = self.lake.data_files(self.dataset, snapshot_id=_head(table))
            if {file.file_path for file in old} == wanted and table.properties.get(SEQUENCE) == str(seq):
                return
            check()
            try:
                self._swap(table, old, new, seq)
            except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
                time.sleep(0.02 * pause)  # a branch moved, or the outcome is unknown: look again
        raise CommitUnknown(
            f"the rebuilt {self.dataset} did not get onto main in {COMMIT_ROUNDS} rounds", remedy="ask for it again"
        )

    def _swap(self, table: Table, old: list[DataFile], new: list[DataFile], seq: int) -> None:
        both = {file.file_path for file in old} & {file.file_path for file in new}
        summary = {PURPOSE: "rebuild", "casegold.run-id": self.run_id}
        with storage_named(self.dataset), durable("rebuild-switch"), table.transaction() as transaction:
            with transaction.update_snapshot(summary).overwrite() as update:
                for file in old:
                    if file.file_path not in both:
                        update.delete_data_file(file)
                for file in new:
                    if file.file_path not in both:
                        update.append_data_file(file)
            transaction.set_properties({SEQUENCE: str(seq)})

    def _empty(self, table: Table) -> None:
        snapshot = table.snapshot_by_name(self.branch)
        old = [] if snapshot is None else self.lake.data_files(self.dataset, snapshot_id=snapshot.snapshot_id)
        with (
            storage_named(self.dataset),
            durable("rebuild-append"),
            table.transaction() as transaction,
            transaction.update_snapshot({REBUILT_TO: "0"}, branch=self.branch).overwrite() as update,
        ):
            for file in old:
                update.delete_data_file(file)

    def _commit(self, seq: int, send: Callable[[Table], None]) -> int:
        """Commit onto the branch unless it has reached this number. Return the number it has reached."""
        for pause in range(COMMIT_ROUNDS):
            table = self.lake.table(self.dataset)
            reached = _reached(table, self.branch)
            if reached >= seq:
                return reached
            try:
                send(table)
            except (CommitFailedException, *LOST_ACKNOWLEDGEMENT):
                time.sleep(0.02 * pause)  # another writer was first, or the outcome is unknown: look again
        raise CommitUnknown(f"branch {self.branch} of {self.dataset} did not take {seq}", remedy="ask for it again")


def _reached(table: Table, branch: str) -> int:
    """The number up to which a branch has rows; -1 if it has not been emptied yet."""
    snapshot = table.snapshot_by_name(branch)
    summary = {} if snapshot is None or snapshot.summary is None else snapshot.summary.additional_properties
    return int(summary.get(REBUILT_TO, "-1"))


def _head(table: Table) -> int:
    head = table.current_snapshot()
    if head is None:
        raise InvariantBroken(f"{table.name()} lost its snapshots")
    return head.snapshot_id
