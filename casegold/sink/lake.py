"""The lake: creates tables on first use, appends under a serial number, and reads planned files with DuckDB.

Not here: publishing gated versions (`staging`, `publish`), and the layout of a dataset (`tables`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from urllib.parse import unquote, urlparse

import duckdb
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.manifest import DataFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties
from pyiceberg.utils.config import Config
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from casegold.control.ingest.watermarks import Written, nothing
from casegold.control.runs.claimed_tables import claim_of
from casegold.domain.contract import Contracts
from casegold.domain.errors import CommitUnknown, InvariantBroken, SourceUnavailable, TableLost
from casegold.domain.failpoints import durable
from casegold.sink.added_columns import completed, have_same_columns, with_columns
from casegold.sink.tables import PROPERTIES, layout_of

CATALOG_NAME = "casegold"
SEQUENCE = "casegold.ingest-seq"
"""Table property: the number of the last append, set in the same commit as its rows."""

COMMIT_ROUNDS = 20
"""Rounds of a commit loop. A lost round means that another writer's commit landed; this many mean a livelock."""

LOST_ACKNOWLEDGEMENT = (SQLAlchemyError, OSError)
"""What a commit raises if its outcome is unknown: it may have landed before the connection broke."""


REBUILT = ("silver/case_events", "bronze/rejected_events")
"""Tables that are made from bronze: their lost rows can be rebuilt from it."""

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def storage_named(what: str) -> Iterator[None]:
    """Raise an error of its own for a full disk: unlike with a broken connection, waiting does not help.

    Raises:
        SourceUnavailable: there is no space; nothing was written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise SourceUnavailable(
            f"no space is left for {what}: {error}",
            remedy="make space where the warehouse is: the next attempt resumes, official versions are untouched",
        ) from error


class FencedCatalog(SqlCatalog):
    """PyIceberg's SQL catalog, where a race between branches is a failed commit like any other.

    Two commits to different branches take the same sequence number. The second one raises a plain ValueError while the
    update is applied, before anything is written. Observed with PyIceberg 0.12.
    """

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        try:
            return super().commit_table(table, requirements, updates)
        except ValueError as error:
            if "Cannot add snapshot with sequence number" in str(error):
                raise CommitFailedException(str(error)) from error
            raise

    def create_namespace(self, namespace: str | Identifier, properties: Properties = EMPTY_DICT) -> None:
        """Like the base class, which reports a namespace that another process has just created as a broken database."""
        try:
            super().create_namespace(namespace, properties)
        except IntegrityError as error:
            raise NamespaceAlreadyExistsError(f"Namespace {namespace} already exists") from error


class Lake:
    """All tables of one installation.

    A table of which the ledger knows rows or versions is never created anew, and is not accepted in an older state:
    every access is refused until the table is repaired.
    """

    def __init__(
        self, catalog_url: str, warehouse: str, contracts: Contracts, written: Callable[[str], Written]
    ) -> None:
        """Opens nothing yet.

        Args:
            written: gives what was written to a table according to the ledger.
        """
        self._catalog_url = catalog_url
        self._warehouse = warehouse
        self._contracts = contracts
        self._written = written
        self._least: dict[str, int] = {}
        """The number at which each table was last seen; before that, the one in the ledger."""

    def for_mending(self) -> Lake:
        """The same tables for repairs: a lost table is created, and an older one is accepted as it is."""
        return Lake(self._catalog_url, self._warehouse, self._contracts, nothing)

    @cached_property
    def catalog(self) -> SqlCatalog:
        """The Iceberg catalog.

        Raises:
            SourceUnavailable: its database does not answer.
        """
        try:
            return FencedCatalog(
                CATALOG_NAME,
                uri=self._catalog_url,
                warehouse=self._warehouse,
                pool_pre_ping="true",
                init_catalog_tables="false",  # a migration creates them: two processes at once would fail
            )
        except SQLAlchemyError as error:
            raise SourceUnavailable(
                f"the Iceberg catalog does not answer: {error}", remedy="`casegold status` shows the servers"
            ) from error

    def table(self, dataset: str) -> Table:
        """The current table of a dataset; created on first use, with one empty snapshot to branch from.

        Raises:
            TableLost: the ledger knows of rows or versions, and the table is gone or is an older one.
            SourceUnavailable: the catalog or its storage does not answer.
        """
        try:
            return self._table(dataset)
        except LOST_ACKNOWLEDGEMENT as error:
            raise SourceUnavailable(
                f"the Iceberg catalog does not answer for {dataset}: {error}",
                remedy="`casegold status` shows the servers",
            ) from error

    def _table(self, dataset: str) -> Table:
        identifier = tuple(dataset.split("/"))
        if dataset not in self._least:  # read before the table, because the ledger is written after it
            self._least[dataset] = self._written(dataset).seq
        try:
            table = self.catalog.load_table(identifier)
        except NoSuchTableError:
            if self._written(dataset) != Written():
                raise lost(dataset, "is gone, and the ledger knows what was written to it") from None
            table = self._create(dataset, identifier)
        schema = layout_of(self._contracts, dataset).schema
        table = with_columns(dataset, table, schema, lambda: self.catalog.load_table(identifier))
        if table.current_snapshot() is None:
            move_head(table, {"casegold.purpose": "first-snapshot"})
            table = self.catalog.load_table(identifier)
        seq = int(table.properties.get(SEQUENCE, "0"))
        # Rows of an unfinished ingest may disappear: the ledger decides what is missing, not what was seen before.
        if seq < self._least[dataset] and seq < (known := self._written(dataset).seq):
            raise lost(dataset, f"ends at number {seq}, and {known} was written to it: it is older than it was")
        self._least[dataset] = seq
        return table

    def _create(self, dataset: str, identifier: tuple[str, ...]) -> Table:
        layout = layout_of(self._contracts, dataset)
        # Another process may have created either of them, which is fine.
        with suppress(NamespaceAlreadyExistsError):
            self.catalog.create_namespace(identifier[:1])
        with (
            suppress(TableAlreadyExistsError, CommitFailedException),
            storage_named(f"the table of {dataset}"),
            durable("table-create"),
            self.catalog.create_table_transaction(
                identifier, schema=layout.schema, properties=PROPERTIES
            ) as transaction,
        ):
            with transaction.update_sort_order() as order:
                for column in layout.sorted_by:
                    order.asc(column, IdentityTransform())
            if layout.partition_column is not None:
                with transaction.update_spec() as spec:
                    spec.add_field(layout.partition_column, layout.transform, f"{layout.partition_column}_part")
        return self.catalog.load_table(identifier)

    def last_seq(self, dataset: str) -> int:
        """The number of the last append; 0 before the first one."""
        return int(self.table(dataset).properties.get(SEQUENCE, "0"))

    def properties(self, dataset: str) -> Mapping[str, str]:
        """The current properties of the table."""
        return self.table(dataset).properties

    def append(
        self,
        dataset: str,
        rows: pa.Table,
        *,
        seq: int,
        properties: Mapping[str, str] | None = None,
        summary: Mapping[str, str] | None = None,
    ) -> int | None:
        """Append rows under a serial number, exactly once, however often this is called.

        Rows, number and properties land in one commit or not at all. Without rows there is a commit, too: the number
        advances.

        Returns:
            The id of the new snapshot, or None if the number had been reached before.

        Raises:
            CommitUnknown: the acknowledgement was lost, and the catalog does not answer.
        """
        expected = {SEQUENCE: str(seq), **(properties or {})}
        for _ in range(COMMIT_ROUNDS):
            table = self.table(dataset)
            if int(table.properties.get(SEQUENCE, "0")) >= seq:
                return None
            try:
                with storage_named(dataset), durable(f"append-{dataset}"), table.transaction() as transaction:
                    transaction.append(rows, snapshot_properties={**(summary or {}), SEQUENCE: str(seq)})
                    transaction.set_properties(expected)
            except CommitFailedException:
                continue  # another writer's commit landed first: look again
            except LOST_ACKNOWLEDGEMENT:
                if self._landed(dataset, seq):
                    return self._snapshot_id(dataset)
                continue
            return self._snapshot_id(dataset)
        raise CommitUnknown(
            f"append {seq} to {dataset} did not land in {COMMIT_ROUNDS} rounds", remedy="try again later"
        )

    def _landed(self, dataset: str, seq: int) -> bool:
        try:
            return int(self.table(dataset).properties.get(SEQUENCE, "0")) >= seq
        except SourceUnavailable as error:
            raise CommitUnknown(
                f"whether append {seq} to {dataset} landed is unknown: {error}",
                remedy="the next attempt looks first; nothing is written twice",
            ) from error

    def _snapshot_id(self, dataset: str) -> int:
        snapshot = self.table(dataset).current_snapshot()
        if snapshot is None:
            raise InvariantBroken(f"{dataset} lost its snapshots")
        return snapshot.snapshot_id

    # -------------------------------------------------------------------------------------------- reading

    def data_files(
        self, dataset: str, *, row_filter: str | BooleanExpression | None = None, snapshot_id: int | None = None
    ) -> list[DataFile]:
        """The data files of a snapshot (of the head if None) that may have rows of a filter.

        Raises:
            InvariantBroken: the snapshot is gone (planning would silently give no files), or there are delete files,
                which this platform never writes.
        """
        table = self.table(dataset)
        if snapshot_id is not None and table.snapshot_by_id(snapshot_id) is None:
            raise InvariantBroken(
                f"snapshot {snapshot_id} of {dataset} is gone", remedy="read a version by its recorded files instead"
            )
        tasks = table.scan(row_filter=row_filter or AlwaysTrue(), snapshot_id=snapshot_id).plan_files()
        files = []
        for task in tasks:
            if task.delete_files:
                raise InvariantBroken(f"{task.file.file_path} has delete files", remedy="find out who wrote them")
            files.append(task.file)
        return sorted(files, key=lambda file: file.file_path)

    def register(
        self,
        connection: duckdb.DuckDBPyConnection,
        view: str,
        dataset: str,
        *,
        row_filter: str | BooleanExpression | None = None,
        snapshot_id: int | None = None,
    ) -> None:
        """Register a dataset as a DuckDB view. The filter only prunes files: the reader still has to filter rows."""
        files = self.data_files(dataset, row_filter=row_filter, snapshot_id=snapshot_id)
        paths = [file.file_path for file in files]
        self.register_files(connection, view, dataset, paths, are_alike=have_same_columns(files))

    def register_files(
        self,
        connection: duckdb.DuckDBPyConnection,
        view: str,
        dataset: str,
        paths: Sequence[str],
        *,
        are_alike: bool = False,
        complete: bool = True,
    ) -> None:
        """Register some files of a dataset as a DuckDB view. Without files, the view has the columns and no rows.

        Rows of files that are older than a column of the contract are null in that column.

        Args:
            are_alike: all files are known to have the same columns; the first one then says which.
            complete: False = only the columns that the files have, for a reader that judges them.
        """
        schema = layout_of(self._contracts, dataset).schema
        if not paths:
            connection.register(view, schema.empty_table())
            return
        # An empty view with this name is temporary and would hide the new one.
        connection.unregister(view)
        found = _rows(connection, paths, are_alike=are_alike)
        (completed(connection, found, schema) if complete else found).create_view(view, replace=True)

    def write_artifact(self, dataset: str, run: str, name: str, content: bytes) -> str:
        """Store a file in the location of a dataset's table, under the run that made it. Return the file's location.

        Raises:
            SourceUnavailable: the object storage does not take it.
        """
        table = self.table(dataset)
        location = f"{table.location()}/artifacts/{run}/{name}"
        try:
            with (
                storage_named(location),
                durable("artifact-write"),
                table.io.new_output(location).create(overwrite=True) as stream,
            ):
                stream.write(content)
        except OSError as error:
            raise SourceUnavailable(
                f"{location} cannot be written: {error}", remedy="is the warehouse reachable?"
            ) from error
        return location


def _rows(connection: duckdb.DuckDBPyConnection, paths: Sequence[str], *, are_alike: bool) -> duckdb.DuckDBPyRelation:
    """The rows of some files. Where columns may differ every file is opened first, at 0.7 ms each."""
    files = [local_path(path) for path in paths]
    return connection.read_parquet(files, hive_partitioning=False, union_by_name=not are_alike)


def lost(dataset: str, what: str) -> TableLost:
    """The error for a lost or older table, with the way to repair it."""
    if dataset in REBUILT:
        remedy = f"`casegold rebuild {claim_of(dataset)} --reason ...` rebuilds it from bronze"
    elif dataset.startswith("bronze/"):
        remedy = "register it again, or restore it: docs/runbooks/lost-tables.md; nothing is read until it is back"
    else:
        remedy = "`casegold reconcile --fix --reason ...` restores the recorded files of its official versions"
    return TableLost(f"{dataset} {what}", remedy=remedy)


def file_io(warehouse: str) -> FileIO:
    """The file system of a warehouse with PyIceberg's settings, as the catalog uses it."""
    return load_file_io(dict(Config().get_catalog_config(CATALOG_NAME) or {}), warehouse)


def local_path(location: str) -> str:
    """A file's location as DuckDB opens it: file URLs as paths, object storage unchanged."""
    parsed = urlparse(location)
    return unquote(parsed.path) if parsed.scheme == "file" else location


def move_head(table: Table, summary: Mapping[str, str]) -> None:
    """Move the head of main with an empty snapshot. Another writer's commit that lands first is just as good."""
    with (
        suppress(CommitFailedException),
        storage_named(f"the metadata of {table.location()}"),
        durable("head-move"),
        table.transaction() as transaction,
        transaction.update_snapshot(dict(summary)).fast_append(),
    ):
        pass
