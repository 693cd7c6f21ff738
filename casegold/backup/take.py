"""Takes a backup while the platform works: dumps the database as of one instant, then copies the referenced lake files.

A file is written before it is referenced, and never changed, so a later copy is the same as one at the instant of the
dump. Only maintenance may delete a file meanwhile: then dump and copy begin again, and only new files are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from pyiceberg.io import FileIO
from pyiceberg.table import StaticTable

from casegold.backup import programs
from casegold.backup.store import FORMAT, PIECE, Login, Point, Store, StoredFile
from casegold.control import revision
from casegold.control.changes import people
from casegold.control.db import Connection
from casegold.control.integrity import maintenance_requests
from casegold.domain.errors import SourceUnavailable, ValidationFailed
from casegold.domain.sql import query
from casegold.runtime.platform import Platform
from casegold.sink.lake import CATALOG_NAME, file_io
from casegold.sink.orphans import named_by

ROOM = "casegold.backup"

ROUNDS = 5
"""How many dumps to try until no file disappears during the copy. Each round after the first copies only new files."""

NEVER_THE_SAME_NAME = (".parquet", ".avro", ".metadata.json")
"""Iceberg never reuses the names of these files: a stored one is not read again."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Instant:
    """A dump of the database, and what it says, at one instant."""

    taken_at: datetime
    owner: str
    roles: tuple[str, ...]
    logins: tuple[Login, ...]
    database: StoredFile
    tables: dict[str, str]
    """Location of the current metadata, by dataset."""
    named: frozenset[str]
    """Locations that the control schema references."""


def take(platform: Platform, store: Store, say: Say) -> Point:
    """Add a new point to a backup directory. Files that are in it already are not copied again.

    Returns:
        The point; its `missing` lists files that are referenced and missing from the warehouse.

    Raises:
        SourceUnavailable: a server or the warehouse does not answer, or files are deleted faster than they are copied.
        ValidationFailed: metadata of a table is missing, so its files are unknown.
    """
    with store.written():
        known = _known(store)
        missed: set[str] = set()
        for _ in range(ROUNDS):
            instant = _dump(platform, store)
            locations, unread = _locations(platform, instant)
            files, missing = _copy(platform, store, sorted(locations), known, say)
            if missing | unread <= missed:
                if unread:
                    raise ValidationFailed(
                        f"the warehouse lacks metadata of which a table is made: {'; '.join(sorted(unread))}",
                        remedy="restore it from an older point: `casegold restore --lake`",
                    )
                point = _point(platform, instant, files, missing)
                store.add(point)
                return point
            say(f"{len(missing | unread)} files are missing; checking again whether they are still referenced")
            missed |= missing | unread
    raise SourceUnavailable(
        f"lake files were deleted during each of {ROUNDS} copies",
        remedy="make the backup while no maintenance runs; files that are stored are not copied again",
    )


def _known(store: Store) -> dict[str, StoredFile]:
    """Stored files that never change, by location."""
    found = {file.location: file for point in store.points() for file in point.files}
    return {
        location: file
        for location, file in found.items()
        if location.endswith(NEVER_THE_SAME_NAME) and store.object(file.sha256).exists()
    }


def _dump(platform: Platform, store: Store) -> _Instant:
    with platform.control.read() as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        row = connection.execute(query(ROOM, "exported")).fetchone()
        if row is None:
            raise SourceUnavailable("PostgreSQL exported no snapshot", remedy="`casegold status` shows the server")
        part = store.new_part()
        programs.dump(platform.settings.owner_url(), row["snapshot"], part)
        tables = connection.execute(query(ROOM, "tables"), {"catalog": CATALOG_NAME}) if row["has_tables"] else ()
        found = {each["dataset"]: each["metadata_location"] for each in tables}
        return _Instant(
            taken_at=row["taken_at"],
            owner=row["owner"],
            roles=tuple(
                each["role"] for each in connection.execute(query(ROOM, "roles")) if each["role"] != row["owner"]
            ),
            logins=_logins(connection),
            database=store.keep(part, "database"),
            tables=found,
            named=frozenset(_named(connection, found)),
        )


def _logins(connection: Connection) -> tuple[Login, ...]:
    return tuple(
        Login(each.login, each.person, tuple(each.roles))
        for each in people.logins_in(connection)
        if each.removed_at is None
    )


def _named(connection: Connection, datasets: Iterable[str]) -> Iterable[str]:
    for dataset in datasets:
        yield from maintenance_requests.named_files(connection, dataset)
    for row in connection.execute(query(ROOM, "replays")):
        yield row["uri"]


def _locations(platform: Platform, instant: _Instant) -> tuple[set[str], set[str]]:
    """All locations that database and tables reference, and the tables whose metadata is missing."""
    io = file_io(platform.settings.warehouse_url())
    named = set(instant.named)
    unread: set[str] = set()
    for dataset, metadata in instant.tables.items():
        named.add(metadata)
        try:
            named.update(named_by(StaticTable.from_metadata(metadata, io.properties)))
        except FileNotFoundError as error:
            unread.add(f"{dataset}: {error}")
        except OSError as error:
            raise SourceUnavailable(
                f"{metadata} cannot be read: {error}", remedy="is the warehouse reachable?"
            ) from error
    return named, unread


def _copy(
    platform: Platform, store: Store, locations: list[str], known: dict[str, StoredFile], say: Say
) -> tuple[list[StoredFile], set[str]]:
    """Store the files that are not stored yet; return all files, and the locations that are missing."""
    io = file_io(platform.settings.warehouse_url())
    files: list[StoredFile] = []
    missing: set[str] = set()
    new = [each for each in locations if each not in known]
    say(f"{len(locations)} lake files, {len(new)} of them to copy")
    for number, location in enumerate(locations, 1):
        found = known.get(location) or _copy_one(io, store, location)
        if found is None:
            missing.add(location)
        else:
            files.append(found)
            if location.endswith(NEVER_THE_SAME_NAME):
                known[location] = found
        if number % 1_000 == 0:
            say(f"  {number} of {len(locations)}")
    return files, missing


def _copy_one(io: FileIO, store: Store, location: str) -> StoredFile | None:
    part = store.new_part()
    try:
        with io.new_input(location).open() as source, part.open("wb") as copy:
            while piece := source.read(PIECE):
                copy.write(piece)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceUnavailable(
            f"{location} cannot be copied: {error}",
            remedy="is the warehouse reachable, and is there space for the backup?",
        ) from error
    return store.keep(part, location)


def _point(platform: Platform, instant: _Instant, files: list[StoredFile], missing: set[str]) -> Point:
    return Point(
        format=FORMAT,
        taken_at=instant.taken_at,
        casegold=version("casegold"),
        revision=revision.head(),
        time_zone=platform.settings.time_zone,
        warehouse=platform.settings.warehouse_url(),
        owner=instant.owner,
        roles=instant.roles,
        logins=instant.logins,
        database=instant.database,
        tables=instant.tables,
        files=tuple(files),
        missing=tuple(sorted(missing)),
    )
