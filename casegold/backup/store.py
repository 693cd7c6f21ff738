"""The layout of a backup directory: points in time, and their files, each stored once under its SHA-256.

    points/2026-03-01T022000Z.json   lists the files of one point in time; written last, so a point is complete
    objects/3f/3f9a...               database dumps and lake files

Not here: which files belong to a point (`take`), and restoring one (`restore`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.addresses import write_private
from casegold.servers.processes import locked

FORMAT = 1
PIECE = 1 << 20


class StoredFile(msgspec.Struct, frozen=True):
    """A stored file. `location` was its URL in the warehouse, or `database` for the dump."""

    location: str
    bytes: int
    sha256: str


class Login(msgspec.Struct, frozen=True):
    """A person's login, without its password."""

    login: str
    person: str
    roles: tuple[str, ...]


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point in time of an installation."""

    format: int
    taken_at: datetime
    """The instant of the dump, by the database's clock."""
    casegold: str
    revision: str
    time_zone: str
    warehouse: str
    owner: str
    """The database role that owns the schemas."""
    roles: tuple[str, ...]
    """The other roles that own objects or have privileges in the database."""
    logins: tuple[Login, ...]
    database: StoredFile
    tables: dict[str, str]
    """Location of a table's metadata, by dataset."""
    files: tuple[StoredFile, ...]
    missing: tuple[str, ...]
    """Locations that are referenced and were missing from the warehouse."""

    @property
    def name(self) -> str:
        return f"{self.taken_at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"

    @property
    def bytes(self) -> int:
        return self.database.bytes + sum(each.bytes for each in self.files)


@dataclass(frozen=True, slots=True)
class Store:
    """A backup directory."""

    directory: Path

    def points(self) -> list[Point]:
        """All points, oldest first; empty if the directory has no backup yet.

        Raises:
            ConfigurationError: a point's file is damaged or has another format.
        """
        return [self._read(path) for path in sorted((self.directory / "points").glob("*.json"))]

    def point(self, name: str | None) -> Point:
        """The point with this name, or the newest. Raises like `points`, and ConfigurationError if there is none."""
        points = self.points()
        if not points:
            raise ConfigurationError(
                f"{self.directory} holds no backup", remedy="give the directory that `casegold backup create` wrote to"
            )
        if name is None:
            return points[-1]
        for each in points:
            if each.name == name:
                return each
        raise ConfigurationError(
            f"{self.directory} has no point {name}", remedy=f"`casegold backup list {self.directory}` shows them"
        )

    def _read(self, path: Path) -> Point:
        try:
            point = msgspec.json.decode(path.read_bytes(), type=Point)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{path} is damaged: {error}", remedy="use another point") from error
        if point.format != FORMAT:
            raise ConfigurationError(
                f"{path} has format {point.format}, this casegold reads {FORMAT}",
                remedy=f"use casegold {point.casegold}",
            )
        return point

    @contextmanager
    def written(self) -> Iterator[None]:
        """Lock the directory for writing, and keep it private: it holds all data of the installation.

        Raises:
            SourceUnavailable: the directory cannot be written to.
        """
        try:
            for each in (self.directory, self.directory / "points", self.directory / "objects"):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
                each.chmod(0o700)
            with locked(self.directory / "lock"):
                for abandoned in self.directory.glob("objects/part-*"):
                    abandoned.unlink()
                yield
        except OSError as error:
            raise SourceUnavailable(
                f"the backup in {self.directory} cannot be written: {error}",
                remedy="is it your own directory, with space on its disk? What is stored stays",
            ) from error

    def new_part(self) -> Path:
        """A temporary path for an incomplete file; `keep` moves it into the store."""
        return self.directory / "objects" / f"part-{os.getpid()}"

    def keep(self, part: Path, location: str) -> StoredFile:
        """Move a file into the store; its content is synced to disk first."""
        with part.open("rb") as stream:
            found = digest(stream)
            os.fsync(stream.fileno())
        target = self.object(found)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        size = part.stat().st_size
        part.replace(target)
        return StoredFile(location, size, found)

    def object(self, sha256: str) -> Path:
        """The path of the content with this SHA-256."""
        return self.directory / "objects" / sha256[:2] / sha256

    def add(self, point: Point) -> None:
        """Write a point; all of its files are in the store already."""
        path = self.directory / "points" / f"{point.name}.json"
        write_private(path, msgspec.json.format(msgspec.json.encode(point), indent=1).decode())

    def problem_of(self, file: StoredFile) -> str | None:
        """What is wrong with the stored copy of a file; None if it is intact. Raises SourceUnavailable."""
        path = self.object(file.sha256)
        try:
            with path.open("rb") as stream:
                return None if digest(stream) == file.sha256 else "is damaged"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            raise SourceUnavailable(f"{path} cannot be read: {error}", remedy="is the disk intact?") from error

    def prune(self, keep: int) -> tuple[int, int]:
        """Delete all but the newest points, and the files of no other point; return the numbers of both."""
        points = self.points()
        dropped = points[: max(0, len(points) - keep)]
        for each in dropped:
            (self.directory / "points" / f"{each.name}.json").unlink()
        named = {file.sha256 for point in points[len(dropped) :] for file in (point.database, *point.files)}
        gone = [path for path in self.directory.glob("objects/*/*") if path.name not in named]
        for path in gone:
            path.unlink()
        return len(dropped), len(gone)


def digest(stream: IO[bytes]) -> str:
    """The SHA-256 of the rest of a stream."""
    found = hashlib.sha256()
    while piece := stream.read(PIECE):
        found.update(piece)
    return found.hexdigest()
