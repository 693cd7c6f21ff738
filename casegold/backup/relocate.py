"""Rewrites Iceberg metadata for another warehouse root, because metadata files reference others by absolute URL.

Data files contain no URL and are copied as they are. Metadata files, manifest lists and manifests are rewritten under
their old names; only the root of each location changes. Not here: the control database (query `mend`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.io import FileIO
from pyiceberg.manifest import DATA_FILE_TYPE, DataFile, ManifestFile, read_manifest_list, write_manifest
from pyiceberg.manifest import write_manifest_list as write_list
from pyiceberg.serializers import FromByteStream
from pyiceberg.table import TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from casegold.domain.errors import ConfigurationError, InvariantBroken

FILE_PATH = next(place for place, each in enumerate(DATA_FILE_TYPE[2].fields) if each.name == "file_path")
MANIFEST_PATH, MANIFEST_LENGTH = 0, 1


@dataclass(frozen=True, slots=True)
class Roots:
    """The old and the new warehouse root, as URLs without a trailing slash."""

    old: str
    new: str

    def moved(self, location: str) -> str:
        """The new location of an old one.

        Raises:
            ConfigurationError: the location is not under the old root.
        """
        if not location.startswith(f"{self.old}/"):
            raise ConfigurationError(
                f"{location} is outside the warehouse {self.old}",
                remedy=f"restore with CASEGOLD_WAREHOUSE={self.old}: files outside it cannot be moved",
            )
        return self.new + location[len(self.old) :]


@dataclass
class Relocation:
    """Moves the metadata of tables to a new root.

    Args:
        stored: maps an old location to that of its stored copy, which `io` can read.
    """

    io: FileIO
    roots: Roots
    stored: Callable[[str], str]
    written: set[str] = field(default_factory=set)
    """Old locations of the rewritten files."""
    _manifests: dict[str, ManifestFile] = field(default_factory=dict)

    def metadata_file(self, location: str) -> None:
        """Rewrite one metadata file, current or older: every string in it that begins with the old root."""
        with self.io.new_input(self.stored(location)).open() as stream:
            content = json.loads(stream.read())
        with self.io.new_output(self.roots.moved(location)).create(overwrite=True) as out:
            out.write(json.dumps(self._moved_texts(content)).encode())
        self.written.add(location)

    def snapshots(self, metadata: TableMetadata) -> None:
        """Rewrite the manifest lists and manifests of all snapshots of a table."""
        for snapshot in metadata.snapshots:
            self._manifest_list(metadata, snapshot)

    def _moved_texts(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._moved_texts(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._moved_texts(each) for each in value]
        if isinstance(value, str) and value.startswith(f"{self.roots.old}/"):
            return self.roots.moved(value)
        return value

    def _manifest_list(self, metadata: TableMetadata, snapshot: Snapshot) -> None:
        manifests = [
            self._moved_manifest(metadata, each)
            for each in read_manifest_list(self.io.new_input(self.stored(snapshot.manifest_list)))
        ]
        with write_list(
            metadata.format_version,
            self.io.new_output(self.roots.moved(snapshot.manifest_list)),
            snapshot.snapshot_id,
            snapshot.parent_snapshot_id,
            snapshot.sequence_number,
            _compression(metadata),
        ) as writer:
            writer.add_manifests(manifests)
        self.written.add(snapshot.manifest_list)

    def _moved_manifest(self, metadata: TableMetadata, manifest: ManifestFile) -> ManifestFile:
        location = manifest.manifest_path
        if location not in self._manifests:
            length = self._write_manifest(metadata, manifest)
            moved = copy(manifest)
            moved._data = list(manifest._data)
            moved[MANIFEST_PATH], moved[MANIFEST_LENGTH] = self.roots.moved(location), length
            self._manifests[location] = moved
            self.written.add(location)
        return self._manifests[location]

    def _write_manifest(self, metadata: TableMetadata, manifest: ManifestFile) -> int:
        if manifest.added_snapshot_id is None:
            raise InvariantBroken(f"{manifest.manifest_path} does not record the snapshot that added it")
        stored = copy(manifest)
        stored._data = list(manifest._data)
        stored[MANIFEST_PATH] = self.stored(manifest.manifest_path)
        output = self.io.new_output(self.roots.moved(manifest.manifest_path))
        with write_manifest(
            metadata.format_version,
            metadata.specs()[manifest.partition_spec_id],
            metadata.schema(),
            output,
            manifest.added_snapshot_id,
            _compression(metadata),
        ) as writer:
            for entry in stored.fetch_manifest_entry(self.io, discard_deleted=False):
                _move(entry.data_file, self.roots)
                writer.add_entry(entry)
        return len(output)


def read_metadata(io: FileIO, location: str) -> TableMetadata:
    """Read a table's metadata file. Raises OSError if it cannot be read."""
    with io.new_input(location).open() as stream:
        return FromByteStream.table_metadata(stream)


def _move(file: DataFile, roots: Roots) -> None:
    file[FILE_PATH] = roots.moved(file.file_path)


def _compression(metadata: TableMetadata) -> Any:
    return metadata.properties.get(
        TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
    )
