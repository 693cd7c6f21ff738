"""A database of every earlier revision becomes one of this release with all its rows, and the platform goes on from it.

The rows are those of a real run, put into the tables of the earlier revision as far as it had them: its own constraints
judge them there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from pyiceberg.catalog.sql import SqlCatalog

from casegold.control.db import ControlDb, migrate
from casegold.control.migrations.versions import __path__ as versions_path
from casegold.control.revision import head, refuse_newer, revision_of
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.settings import Settings
from casegold.servers import local
from casegold.sink.lake import CATALOG_NAME
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.operations.house import announce, elsewhere, figures, load_more

NOT_COPIED = {"alembic_version", "approval_rule", "audit_link", "audit_lock", "audit_source"}
"""What a migration or `casegold up` fills; from 0008 on nobody but the database may write the trail."""


def revisions() -> list[str]:
    """Every revision, oldest first, as Alembic has them."""
    config = Config()
    config.set_main_option("script_location", str(next(iter(versions_path))).rpartition("/")[0])
    return [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()][::-1]


REVISIONS = revisions()


def test_the_newest_file_is_the_newest_revision() -> None:
    assert head() == REVISIONS[-1]


def tables_of(connection: psycopg.Connection[Any], schema: str) -> dict[str, list[str]]:
    """Columns that can be written, by table."""
    found: dict[str, list[str]] = {}
    rows = connection.execute(
        "select table_name, column_name from information_schema.columns join information_schema.tables"
        " using (table_schema, table_name) where table_schema = %s and table_type = 'BASE TABLE'"
        " order by table_name, ordinal_position",
        (schema,),
    )
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def copy_rows(source: str, target: str) -> dict[str, int]:
    """Fill the control schema and the catalog of `target` with what of `source` it has room for; rows by table.

    Columns and tables that its revision does not have are left out.
    """
    copied: dict[str, int] = {}
    with psycopg.connect(source) as old, psycopg.connect(target) as new:
        new.execute("set session_replication_role = replica")  # the rows come in any order
        for schema in ("casegold", "iceberg"):
            have, room = tables_of(old, schema), tables_of(new, schema)
            for table in sorted(have.keys() & room.keys() - NOT_COPIED):
                columns = sql.SQL(", ").join(map(sql.Identifier, [c for c in have[table] if c in room[table]]))
                place = sql.Identifier(schema, table)
                new.execute(sql.SQL("delete from {}").format(place))
                out = sql.SQL("copy (select {} from {}) to stdout").format(columns, place)
                into = sql.SQL("copy {} ({}) from stdin").format(place, columns)
                with old.cursor().copy(out) as reading, new.cursor().copy(into) as writing:
                    for piece in reading:
                        writing.write(piece)
                (rows,) = new.execute(sql.SQL("select count(*) from {}").format(place)).fetchone() or (0,)
                copied[table] = int(rows)
        sequences = old.execute("select sequencename, last_value from pg_sequences where schemaname = 'casegold'")
        for name, value in sequences:
            if value is not None:
                new.execute("select setval(to_regclass('casegold.' || quote_ident(%s)), %s)", (name, value))
    return copied


OLDER = [pytest.param(each, marks=pytest.mark.long("casegold/control/migrations/")) for each in REVISIONS[:-2]]


@pytest.mark.parametrize("revision", [*OLDER, REVISIONS[-2]])
def test_a_database_of_an_earlier_release_goes_on(
    house: Installation, servers: Settings, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = figures(house)
    with elsewhere(servers, monkeypatch) as settings:
        url = settings.owner_url()
        with psycopg.connect(url, autocommit=True) as connection:
            for schema in ("casegold", "dagster", "iceberg"):
                connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        migrate(settings.owner_url(), revision)
        if revision < "0006":  # PyIceberg made the tables of its catalog, under the login that owned everything
            uri = url.replace("postgresql://", "postgresql+psycopg2://").replace("%3Dcasegold", "%3Diceberg")
            SqlCatalog(CATALOG_NAME, uri=uri, warehouse=settings.warehouse_url())
        copied = copy_rows(house.platform.settings.owner_url(), url)
        assert min(copied[table] for table in ("run_manifest", "version_file", "outbox", "iceberg_tables")) > 0
        control = ControlDb(settings.owner_url())
        assert revision_of(control) == revision
        # Before 0007 the login that runs the platform may not look.
        found = f"at revision {revision}" if revision >= "0007" else "older than 0009"
        with pytest.raises(ConfigurationError, match=f"{found}, this casegold needs {head()}"):
            command("work", "--until-idle")
        command("up")
        assert revision_of(control) == head()
        upgraded = Installation(settings)
        assert figures(upgraded) == then
        assert "Reconciliation" in command("reconcile")
        load_more()
        upgraded.work()
        announce(upgraded)
        assert upgraded.version_numbers(SNAPSHOT) == [1, 2]
        assert figures(upgraded) != then
        assert "Reconciliation" in command("reconcile")
        command("maintain")


def set_revision(owner: ControlDb, revision: str) -> None:
    with owner.write("by a test") as connection:
        connection.execute("update alembic_version set version_num = %s", (revision,))


COMMANDS = (
    ("plan",),
    ("work", "--until-idle"),
    ("reconcile",),
    ("maintain",),
    ("relay", "--once"),
    ("source", "status"),
    ("backup", "create", "/nowhere"),
    ("user", "list"),
    ("backfill", "list"),
)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_every_command_but_up_refuses_a_database_that_is_older_or_newer(
    owner: ControlDb, arguments: tuple[str, ...]
) -> None:
    set_revision(owner, REVISIONS[-2])
    with pytest.raises(ConfigurationError, match="run `casegold up`, which migrates"):
        command(*arguments)
    set_revision(owner, "9999")
    for refused in (arguments, ("up",)):
        with pytest.raises(ConfigurationError, match="revision 9999, newer than"):
            command(*refused)
    with pytest.raises(ConfigurationError):
        refuse_newer(owner)


@pytest.fixture
def nothing(servers: Settings, database: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation of which there is only an empty database."""
    assert database.kafka_bootstrap
    with elsewhere(servers, monkeypatch) as settings:
        yield settings


def test_an_empty_database_is_prepared_by_up_only(nothing: Settings) -> None:
    with pytest.raises(SourceUnavailable, match="`casegold up` prepares it"):
        command("plan")
    local.prepare_database(nothing)
    command("plan")
