"""Reads a version's files as they are now, and compares them with what was recorded. Not here: computing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from casegold.control.versions.model import VersionArtifact, VersionFile
from casegold.domain.errors import SourceUnavailable
from casegold.sink.digest import Digest, digest_of
from casegold.sink.lake import Lake


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The digest of the rows (None if some cannot be read), and every difference from what was recorded."""

    digest: Digest | None
    faults: tuple[str, ...]


def read_back(lake: Lake, dataset: str, files: Sequence[VersionFile]) -> ReadBack:
    """Read every row of some files of one partition.

    Raises:
        SourceUnavailable: the storage does not answer.
    """
    table = lake.table(dataset)
    digests: list[Digest] = []
    faults: list[str] = []
    for file in files:
        found = _rows_of(table, file.path)
        if isinstance(found, str):
            faults.append(found)
            continue
        digest = digest_of(found)
        digests.append(digest)
        recorded = Digest(file.digest_high, file.digest_low, file.rows)
        if digest != recorded:
            faults.append(f"file {file.path} holds rows of digest {digest}, recorded are {recorded}")
    whole = len(digests) == len(files)
    return ReadBack(sum(digests, Digest()) if whole else None, tuple(faults))


def faults_of_artifacts(lake: Lake, dataset: str, artifacts: Sequence[VersionArtifact]) -> tuple[str, ...]:
    """The differences of a partition's artifacts from what was recorded.

    Raises:
        SourceUnavailable: the storage does not answer.
    """
    table = lake.table(dataset)
    faults = []
    for artifact in artifacts:
        content = _content(table, artifact.uri)
        if content is None:
            faults.append(f"file {artifact.uri} is missing")
        elif (found := hashlib.sha256(content).hexdigest()) != artifact.sha256:
            faults.append(f"file {artifact.uri} has SHA-256 {found}, recorded is {artifact.sha256}")
    return tuple(faults)


def missing(lake: Lake, dataset: str, paths: Sequence[str]) -> list[str]:
    """The files that no longer exist.

    Raises:
        SourceUnavailable: the storage does not answer.
    """
    table = lake.table(dataset)
    try:
        return [path for path in paths if not table.io.new_input(path).exists()]
    except OSError as error:
        raise _unavailable(dataset, error) from error


def _rows_of(table: Table, path: str) -> pa.Table | str:
    """The rows of a data file, or why there are none. Once its bytes are read, any failure is the file's fault."""
    content = _content(table, path)
    if content is None:
        return f"file {path} is missing"
    try:
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        return f"file {path} is damaged: {str(error).partition(chr(10))[0]}"


def _content(table: Table, path: str) -> bytes | None:
    source = table.io.new_input(path)
    try:
        if not source.exists():
            return None
        with source.open() as stream:
            return stream.read()
    except OSError as error:
        raise _unavailable(path, error) from error


def _unavailable(what: str, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(f"{what} cannot be read: {error}", remedy="is the warehouse reachable?")
