"""Restores an installation from a backup: files first, then the database and its adjustments in one transaction.

A restore that was interrupted can be run again: intact files are kept. Not here: what a backup contains (`take`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql
from pyiceberg.io import FileIO

from casegold.backup import programs
from casegold.backup.relocate import Relocation, Roots, read_metadata
from casegold.backup.store import Point, Store, StoredFile, digest
from casegold.control import revision
from casegold.control.db import ControlDb
from casegold.control.runs.claimed_tables import published
from casegold.domain.errors import CommitUnknown, ConfigurationError, SourceUnavailable, ValidationFailed
from casegold.domain.failpoints import durable
from casegold.domain.sql import query
from casegold.runtime.contracts import contracts_of
from casegold.runtime.settings import Settings
from casegold.sink.lake import file_io

ROOM = "casegold.backup"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PutBack:
    """The number of lake files that were written, and of those that were kept because they were intact."""

    written: int
    kept: int


def restore(settings: Settings, store: Store, point: Point, say: Say) -> PutBack:
    """Restore a point into the installation of the settings. Its servers must answer, its database must be empty.

    Raises:
        ConfigurationError: the database is not empty, or the settings do not fit the point.
        ValidationFailed: the backup is damaged; at most lake files were written.
        SourceUnavailable: a server or the warehouse does not answer.
        CommitUnknown: the connection broke during the database's commit.
    """
    control = ControlDb(settings.owner_url())
    _refuse_unfit(settings, control, point)
    _refuse_damaged(store, point.database)
    done = put_back(settings, store, point, say)
    say("restoring the database")
    work = settings.home / "restoring"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _restore_database(settings, control, store, point, work)
    finally:
        shutil.rmtree(work)
    return done


def put_back(settings: Settings, store: Store, point: Point, say: Say) -> PutBack:
    """Write every lake file of a point to the warehouse, under its present root, unless it is there intact.

    Raises:
        ValidationFailed: a stored file is damaged or missing.
        SourceUnavailable: a file cannot be written to the warehouse.
    """
    roots = Roots(point.warehouse, settings.warehouse_url())
    io = file_io(roots.new)
    moved = roots.old != roots.new
    rewritten = {file.location for file in point.files if moved and file.location.endswith((".avro", ".metadata.json"))}
    done = PutBack(0, 0)
    for number, file in enumerate(point.files, 1):
        if file.location not in rewritten:
            written = _put(io, store, file, roots.moved(file.location))
            done = PutBack(done.written + written, done.kept + (not written))
        if number % 1_000 == 0:
            say(f"  {number} of {len(point.files)} files")
    if moved:
        say(f"rewriting {len(rewritten)} metadata files for {roots.new}")
        _relocate(io, store, point, roots, rewritten)
    return PutBack(done.written + len(rewritten), done.kept)


def _put(io: FileIO, store: Store, file: StoredFile, location: str) -> bool:
    """Write one file unless it is there intact; return whether it was written."""
    try:
        present = io.new_input(location)
        if present.exists() and len(present) == file.bytes:
            with present.open() as stream:
                if digest(stream) == file.sha256:  # type: ignore[arg-type]  # PyIceberg's stream reads as a file does
                    return False
        _refuse_damaged(store, file)
        with store.object(file.sha256).open("rb") as source, io.new_output(location).create(overwrite=True) as out:
            shutil.copyfileobj(source, out)
    except OSError as error:
        raise SourceUnavailable(
            f"{location} cannot be written: {error}", remedy="is the warehouse reachable?"
        ) from error
    return True


def _relocate(io: FileIO, store: Store, point: Point, roots: Roots, rewritten: set[str]) -> None:
    hashes = {file.location: file for file in point.files}

    def stored(location: str) -> str:
        _refuse_damaged(store, hashes[location])
        return store.object(hashes[location].sha256).as_uri()

    relocation = Relocation(io, roots, stored)
    for location in sorted(rewritten):
        if location.endswith(".metadata.json"):
            relocation.metadata_file(location)
    for current in point.tables.values():
        relocation.snapshots(read_metadata(io, stored(current)))
    if relocation.written != rewritten:
        left = sorted(rewritten ^ relocation.written)
        raise ValidationFailed(
            f"{len(left)} metadata files belong to no table of the backup, such as {left[0]}",
            remedy=f"restore with CASEGOLD_WAREHOUSE={roots.old}: then no metadata has to be rewritten",
        )


def _refuse_damaged(store: Store, file: StoredFile) -> None:
    problem = store.problem_of(file)
    if problem is not None:
        raise ValidationFailed(
            f"{file.location} {problem} in {store.directory}",
            remedy="use another copy of the backup, or another point; `casegold backup verify` shows which are intact",
        )


def _refuse_unfit(settings: Settings, control: ControlDb, point: Point) -> None:
    if control.rows("select from pg_namespace where nspname in ('casegold', 'dagster', 'iceberg')"):
        raise ConfigurationError(
            "the database is not empty: a restore never overwrites one",
            remedy="name an empty one in CASEGOLD_POSTGRES_URL; or `casegold down`, and move the folder `postgres` of "
            f"{settings.home} away",
        )
    if point.revision > revision.head():
        raise ConfigurationError(
            f"the backup is of revision {point.revision}, this casegold knows {revision.head()}",
            remedy=f"restore with casegold {point.casegold}, or a newer one",
        )
    if point.time_zone != settings.time_zone:
        raise ConfigurationError(
            f"the backup's business time zone is {point.time_zone}, CASEGOLD_TIME_ZONE says {settings.time_zone}",
            remedy=f"set CASEGOLD_TIME_ZONE={point.time_zone}",
        )
    (me,) = control.rows("select rolname, rolsuper from pg_roles where rolname = current_user")
    if not me["rolsuper"]:
        raise ConfigurationError(
            f"a restore creates tables of several owners, which {me['rolname']} may not",
            remedy="use a superuser's login in CASEGOLD_POSTGRES_OWNER_URL, for this command only",
        )
    if point.taken_at > datetime.now(UTC):
        raise ConfigurationError(
            f"the backup was taken at {point.taken_at}, which is in the future by this machine's clock",
            remedy="correct the system clock: the numbers of new versions depend on the backup's age",
        )


def _restore_database(settings: Settings, control: ControlDb, store: Store, point: Point, work: Path) -> None:
    roles, dump, mend = work / "roles.sql", work / "dump.sql", work / "mend.sql"
    roles.write_text(_roles(control, point), encoding="utf-8")
    programs.script_of(store.object(point.database.sha256), dump)
    mend.write_text(query(ROOM, "mend"), encoding="utf-8")
    variables = {
        "old": point.warehouse,
        "new": settings.warehouse_url(),
        "taken_at": point.taken_at.isoformat(),
        "datasets": " ".join(published(contracts_of(settings))),
    }
    with durable("restore", CommitUnknown):
        programs.execute(settings.owner_url(), [roles, dump, mend], variables)


def _roles(control: ControlDb, point: Point) -> str:
    """Statements that create, without login, the roles of the dump that the server does not have."""
    known = {row["rolname"] for row in control.rows("select rolname from pg_roles")}
    wanted = [role for role in (point.owner, *point.roles) if role not in known and not role.startswith("pg_")]
    return "".join(sql.SQL("create role {} nologin;\n").format(sql.Identifier(role)).as_string() for role in wanted)
