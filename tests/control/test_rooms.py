"""A room runs only its own queries, and writes only its own tables."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from casegold.control.db import ControlDb
from casegold.domain.sql import QUERIES, queries
from casegold.runtime.shipped import REPOSITORY

CORE = REPOSITORY / "casegold"
ROOMS = sorted(path.parent for path in CORE.rglob(QUERIES))
WRITTEN_BY_THE_RELAY = {"outbox", "outbox_delivery"}
RESERVED = {"inbox", "dlq_replay"}
"""Tables of the schema that no code writes yet."""
RESTORE = "casegold.backup"
"""A restore writes tables of all rooms, as the owner and before the platform starts."""
WRITES = re.compile(
    r"(?:insert\s+into|update|delete\s+from)\s+(?!set\b|skip\b|of\b)(?:only\s+)?([a-z_.]+)", re.IGNORECASE
)


def package(room: Path) -> str:
    return ".".join(room.relative_to(REPOSITORY).parts)


def owners() -> dict[str, str]:
    """The room that owns each table."""
    found: dict[str, str] = dict.fromkeys(WRITTEN_BY_THE_RELAY, "casegold.sink")
    for init in (CORE / "control").rglob("__init__.py"):
        room = package(init.parent)
        if "migrations" not in room:
            for table in import_module(room).TABLES:
                assert table not in found, f"{table} has two owners"
                found[table] = room
    return found


def written(sql: str) -> set[str]:
    """The tables that a query writes; row locks (`for update`) and upserts (`do update set`) do not count."""
    code = re.sub(r"--.*", "", sql)
    return {table for table in WRITES.findall(code) if table.lower() not in {"nowait"}}


def test_every_table_has_one_owner(control: ControlDb) -> None:
    rows = control.rows("select tablename from pg_catalog.pg_tables where schemaname = 'casegold'")
    assert {row["tablename"] for row in rows} - RESERVED - {"alembic_version"} == set(owners())


@pytest.mark.parametrize("room", ROOMS, ids=package)
def test_a_room_writes_its_own_tables_only(room: Path) -> None:
    owner = owners()
    foreign = {
        f"{name} writes {table} of {owner[table]}"
        for name, sql in queries(package(room)).items()
        for table in written(sql)
        if table in owner and owner[table] != package(room) and package(room) != RESTORE
    }
    assert not foreign


def test_writes_are_found() -> None:
    assert written("with a as (update run_manifest m set x = 1) insert into run_attempt values (1)") == {
        "run_manifest",
        "run_attempt",
    }
    assert written("select 1 from setting for update of setting -- delete from hold") == set()
    assert written("insert into hold (a) values (1) on conflict (a) do update set a = 2") == {"hold"}


@pytest.mark.parametrize("room", ROOMS, ids=package)
def test_each_query_is_asked_in_its_room_and_nowhere_else(room: Path) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in room.glob("*.py")}
    names = set(queries(package(room)))
    asked = {name for text in texts.values() for name in re.findall(r'query\(\s*ROOM,\s*"(\w+)"', text)}
    assert asked <= names, "these are in no file of queries"
    words = {word for text in texts.values() for word in re.findall(r'"(\w+)"', text)}
    built = {prefix for text in texts.values() for prefix in re.findall(r'query\(\s*ROOM,\s*f"(\w+_)\{', text)}
    unused = {name for name in names - words if not name.startswith(tuple(built))}
    assert not unused, "nobody asks these"
    for path, text in texts.items():
        for named in re.findall(r'^ROOM = "([\w.]+)"$', text, flags=re.MULTILINE):
            assert named == package(room), f"{path} asks the queries of another room"


def test_a_name_stands_for_one_query_in_the_whole_core() -> None:
    names = [name for room in ROOMS for name in queries(package(room))]
    assert len(names) == len(set(names))
