"""The lake: tables made on first use, appends under a serial number, and reads by DuckDB over the planned files.

Not here: publishing gated versions (`staging`, `publish`), and what a dataset looks like (`tables`).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
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

from casegold.domain.contract import Contracts
from casegold.domain.errors import CommitUnknown, InvariantBroken, SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.sink.tables import PROPERTIES, layout_of

CATALOG_NAME = "casegold"
SEQUENCE = "casegold.ingest-seq"
"""Table property: the number of the last append, set in the same commit as its rows."""

COMMIT_ROUNDS = 20
"""Rounds of a commit loop. Each one lost means that another writer's commit landed, so this many means livelock."""

LOST_ACKNOWLEDGEMENT = (SQLAlchemyError, OSError)
"""What a commit raises whose fate is unknown: the statement may have landed before the connection broke."""


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def storage_named(what: str) -> Iterator[None]:
    """Tell a full disk from a broken connection: waiting does not make space, and nothing was written.

    Raises:
        SourceUnavailable: there is no space.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise SourceUnavailable(
            f"no space is left for {what}: {error}",
            remedy="make space where the warehouse is: the next attempt goes on, official versions are untouched",
        ) from error


class FencedCatalog(SqlCatalog):
    """PyIceberg's SQL catalog, in which a race between branches is a failed commit as any other.

    Two commits to different branches take one sequence number; the second raises a plain ValueError while the update
    is applied, before anything is written. Measured with PyIceberg 0.12.
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
        """As the base class, which tells of a namespace that another process made a moment ago as a broken database."""
        try:
            super().create_namespace(namespace, properties)
        except IntegrityError as error:
            raise NamespaceAlreadyExistsError(f"Namespace {namespace} already exists") from error


class Lake:
    """All tables of one installation."""

    def __init__(self, catalog_url: str, warehouse: str, contracts: Contracts) -> None:
        self._catalog_url = catalog_url
        self._warehouse = warehouse
        self._contracts = contracts

    @cached_property
    def catalog(self) -> SqlCatalog:
        """The Iceberg catalog.

        Raises:
            SourceUnavailable: its database does not answer.
        """
        try:
            return FencedCatalog(CATALOG_NAME, uri=self._catalog_url, warehouse=self._warehouse, pool_pre_ping="true")
        except SQLAlchemyError as error:
            raise SourceUnavailable(
                f"the Iceberg catalog does not answer: {error}", remedy="`casegold status` shows the servers"
            ) from error

    def table(self, dataset: str) -> Table:
        """The table of a dataset, as it is now; made on first use, with one empty snapshot to branch from.

        Raises:
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
        try:
            table = self.catalog.load_table(identifier)
        except NoSuchTableError:
            table = self._create(dataset, identifier)
        if table.current_snapshot() is None:
            move_head(table, {"casegold.purpose": "first-snapshot"})
            table = self.catalog.load_table(identifier)
        return table

    def _create(self, dataset: str, identifier: tuple[str, ...]) -> Table:
        layout = layout_of(self._contracts, dataset)
        # Another process may be first with either; so be it.
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
        """The number of the last append; 0 before the first."""
        return int(self.table(dataset).properties.get(SEQUENCE, "0"))

    def properties(self, dataset: str) -> Mapping[str, str]:
        """The table's properties as they are now."""
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
        """Append rows under a serial number, exactly once whoever calls how often.

        Rows, number and properties land in one commit or not at all. No rows is a commit, too: the number moves on.

        Returns:
            The snapshot that this call made, or None where the number had been reached before.

        Raises:
            CommitUnknown: the acknowledgement was lost and the catalog does not answer to tell more.
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
                continue  # somebody else's commit landed first: look again
            except LOST_ACKNOWLEDGEMENT:
                if self._landed(dataset, seq):
                    return self._snapshot_id(dataset)
                continue
            return self._snapshot_id(dataset)
        raise CommitUnknown(
            f"{dataset} gave no room for append {seq} in {COMMIT_ROUNDS} rounds", remedy="try again later"
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
        """The data files of a snapshot (of the head where None) that may hold rows of a filter.

        Raises:
            InvariantBroken: the snapshot is gone (planning it would give no files, silently), or rows were deleted
                by files of their own, which this platform never writes.
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
        """Give a DuckDB connection a dataset as a view. The filter prunes files; rows are the reader's business."""
        files = self.data_files(dataset, row_filter=row_filter, snapshot_id=snapshot_id)
        self.register_files(connection, view, dataset, [file.file_path for file in files])

    def register_files(
        self, connection: duckdb.DuckDBPyConnection, view: str, dataset: str, paths: Sequence[str]
    ) -> None:
        """Give a DuckDB connection some files of a dataset as a view; none give an empty view of its columns."""
        if not paths:
            connection.register(view, layout_of(self._contracts, dataset).schema.empty_table())
            return
        # An empty view of this name is a temporary one, and would hide the new one.
        connection.unregister(view)
        files = [local_path(path) for path in paths]
        connection.read_parquet(files, hive_partitioning=False).create_view(view, replace=True)

    def write_artifact(self, dataset: str, run: str, name: str, content: bytes) -> str:
        """Store a file beside a dataset's table, under the run that made it; its location.

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


def file_io(warehouse: str) -> FileIO:
    """The file system of a warehouse, with what PyIceberg's own settings say of it, as the catalog has it."""
    return load_file_io(dict(Config().get_catalog_config(CATALOG_NAME) or {}), warehouse)


def local_path(location: str) -> str:
    """A file's location as DuckDB opens it: file URLs as paths, object storage as it is."""
    parsed = urlparse(location)
    return unquote(parsed.path) if parsed.scheme == "file" else location


def move_head(table: Table, summary: Mapping[str, str]) -> None:
    """Move the head of main by a snapshot without changes; another writer's commit serves as well."""
    with (
        suppress(CommitFailedException),
        storage_named(f"the metadata of {table.location()}"),
        durable("head-move"),
        table.transaction() as transaction,
        transaction.update_snapshot(dict(summary)).fast_append(),
    ):
        pass
