"""Iceberg metadata under another root: every file of a table names others by their whole URL.

Data files hold no URL and are copied as they are. Metadata, manifest lists and manifests are written anew under their
old names, with nothing changed but the beginning of each location. Not here: the control database (`mend.sql`).
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
    """The warehouse then and now, as URLs without a slash at the end."""

    old: str
    new: str

    def moved(self, location: str) -> str:
        """A location under the new root.

        Raises:
            ConfigurationError: it is not under the old one.
        """
        if not location.startswith(f"{self.old}/"):
            raise ConfigurationError(
                f"{location} is outside of the warehouse {self.old}",
                remedy=f"restore with CASEGOLD_WAREHOUSE={self.old}: files elsewhere keep their names only there",
            )
        return self.new + location[len(self.old) :]


@dataclass
class Relocation:
    """The metadata of some tables on their way to a new root.

    Args:
        stored: where the stored copy of an old location can be read, as a location for `io`.
    """

    io: FileIO
    roots: Roots
    stored: Callable[[str], str]
    written: set[str] = field(default_factory=set)
    """Old locations of what was written anew."""
    _manifests: dict[str, ManifestFile] = field(default_factory=dict)

    def metadata_file(self, location: str) -> None:
        """One metadata file, current or from the log: every text in it that begins with the old root."""
        with self.io.new_input(self.stored(location)).open() as stream:
            content = json.loads(stream.read())
        with self.io.new_output(self.roots.moved(location)).create(overwrite=True) as out:
            out.write(json.dumps(self._moved_texts(content)).encode())
        self.written.add(location)

    def snapshots(self, metadata: TableMetadata) -> None:
        """The manifest lists and manifests of all snapshots of a table."""
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
            raise InvariantBroken(f"{manifest.manifest_path} says of no snapshot that it was added by it")
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
    """The metadata of a table in a file. Raises OSError where there is none."""
    with io.new_input(location).open() as stream:
        return FromByteStream.table_metadata(stream)


def _move(file: DataFile, roots: Roots) -> None:
    file[FILE_PATH] = roots.moved(file.file_path)


def _compression(metadata: TableMetadata) -> Any:
    return metadata.properties.get(
        TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
    )
