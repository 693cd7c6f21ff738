"""Recreates Iceberg's entry of a recorded file from the file itself, because its snapshot may have expired.

Not here: which files (`control.versions.version_record`), and their commit (`staging`, `publish`).
"""

from __future__ import annotations

import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table

from casegold.control.versions.model import VersionFile
from casegold.domain.errors import ConfigurationError, SourceUnavailable

REMEDY = "restore the file from a backup; until then this version cannot be made official again"


def data_file(table: Table, recorded: VersionFile) -> DataFile:
    """The entry with which the file was first committed: partition, sizes, counts and column bounds.

    Raises:
        ConfigurationError: the file is missing, or has another size or row count than was recorded.
        SourceUnavailable: the warehouse does not answer.
    """
    source = table.io.new_input(recorded.path)
    try:
        if not source.exists():
            raise ConfigurationError(f"file {recorded.path} of {recorded.partition} is missing", remedy=REMEDY)
        size = len(source)
        if size == recorded.bytes:
            with source.open() as stream:
                footer = pq.read_metadata(stream)
    except OSError as error:
        raise SourceUnavailable(
            f"{recorded.path} cannot be read: {error}", remedy="is the warehouse reachable?"
        ) from error
    if size != recorded.bytes or footer.num_rows != recorded.rows:
        raise ConfigurationError(
            f"file {recorded.path} of {recorded.partition} is not the one recorded: "
            f"{recorded.bytes} bytes with {recorded.rows} rows were, {size} bytes are there",
            remedy=REMEDY,
        )
    schema = table.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=footer,
        stats_columns=compute_statistics_plan(schema, table.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=recorded.path,
        file_format=FileFormat.PARQUET,
        partition=partition_key(table, recorded).partition,
        file_size_in_bytes=size,
        sort_order_id=None,
        spec_id=table.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def partition_key(table: Table, recorded: VersionFile) -> PartitionKey:
    """The partition for which a file was recorded, as Iceberg's key."""
    spec = table.spec()
    return PartitionKey([PartitionFieldValue(spec.fields[0], recorded.partition)], spec, table.schema())
