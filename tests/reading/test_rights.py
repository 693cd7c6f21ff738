"""What a reader's login may do on a real server: read the catalog, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest
import yaml
from psycopg.errors import InsufficientPrivilege, QueryCanceled
from pydantic import SecretStr
from sqlalchemy.exc import ProgrammingError

from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError
from casegold.runtime import catalog_access
from casegold.runtime.logins import control_of_person
from casegold.runtime.settings import Settings
from casegold.servers import local
from tests.approvals.conftest import execute
from tests.approvals.test_cli import call
from tests.reading.conftest import PASSWORD, READER, Published, catalog_of

TABLE = ("gold", "case_daily_snapshot")


def connect(settings: Settings, login: str) -> psycopg.Connection:
    return psycopg.connect(settings.reader_url(login), password=PASSWORD)


def test_a_reader_reads_what_is_published(database: Settings, published: Published, rita: str) -> None:
    published("a", "b")
    rows = catalog_of(database, rita).load_table(TABLE).scan().to_arrow()
    assert sorted(rows["case_id"].to_pylist()) == ["a", "b"]


def test_a_reader_who_is_there_before_the_tables_reads_them_too(
    owner: ControlDb, database: Settings, rita: str, published: Published
) -> None:
    """The catalog is empty until the platform's first commit; a later release may make another table for it."""
    assert catalog_of(database, rita).list_namespaces() == []
    published("a")
    assert catalog_of(database, rita).list_tables("gold") == [TABLE]
    execute(owner, "set role casegold_owner; create table iceberg.later (x int)")
    with connect(database, rita) as session:
        assert session.execute("select * from later").fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "select * from casegold.backfill_request",
        "select * from casegold.backfill_audit",
        "select * from casegold.person_login",
        "select * from casegold.approval_rule",
        "select * from casegold.waiver",
        "select * from casegold.setting",
        "select * from casegold.run_manifest",
        "select * from casegold.dataset_version",
        "select * from casegold.ingest_commit",
        "select * from casegold.outbox",
        "select casegold.backfill_approve('bf_1', 'x')",
        "create table iceberg.mine (x int)",
        "create table public.mine (x int)",
        "create schema mine",
        "update iceberg_tables set metadata_location = 'x'",
        "delete from iceberg_tables",
        "insert into iceberg_namespace_properties values ('casegold', 'x', 'y', 'z')",
        "select * from iceberg_tables for update",
        "set role casegold_people",
        "set role casegold",
    ],
)
def test_a_reader_sees_no_control_state_and_writes_nothing(
    database: Settings, published: Published, rita: str, statement: str
) -> None:
    published("a")
    with connect(database, rita) as session, pytest.raises(InsufficientPrivilege):
        session.execute(statement)


def test_a_reader_commits_nothing_to_the_lake(database: Settings, published: Published, rita: str) -> None:
    published("a")
    catalog = catalog_of(database, rita)
    table = catalog.load_table(TABLE)
    head = table.current_snapshot()
    assert head is not None
    attempts: tuple[Callable[[], object], ...] = (
        lambda: table.append(table.scan().to_arrow()),
        lambda: table.manage_snapshots().create_tag(head.snapshot_id, "mine").commit(),
        lambda: catalog.drop_table(TABLE),
        lambda: catalog.create_namespace("mine"),
    )
    for attempt in attempts:
        with pytest.raises(ProgrammingError, match="permission denied"):
            attempt()
    assert catalog.load_table(TABLE).metadata == table.metadata


def test_a_login_has_no_more_sessions_than_its_limit(database: Settings, rita: str) -> None:
    with ExitStack() as held:
        for _ in range(people.CONNECTIONS):
            held.enter_context(connect(database, rita))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            connect(database, rita)


def test_a_readers_session_is_cut_short(database: Settings, rita: str) -> None:
    with connect(database, rita) as session:
        for setting, value in people.SESSION_LIMITS.items():
            found = session.execute("select current_setting(%s)::interval = %s::interval", (setting, value)).fetchone()
            assert found == (True,), setting
        session.execute("set statement_timeout = '10ms'")
        with pytest.raises(QueryCanceled):
            session.execute("select pg_sleep(60)")


def test_roles_that_decide_read_the_catalog_too(owner: ControlDb, control: ControlDb, database: Settings) -> None:
    execute(owner, f"grant casegold_people to {READER}")  # as before readers were told apart
    local.prepare_database(database)
    found = control.rows(
        "select rolname, pg_has_role(oid, 'casegold_catalog_readers', 'MEMBER') as reads,"
        " pg_has_role(oid, 'casegold_people', 'MEMBER') as decides from pg_roles"
        " where rolname in ('casegold_reader', 'casegold_operator', 'casegold_steward', 'casegold_officer')"
    )
    assert [row["rolname"] for row in found if not row["reads"]] == []
    assert [row["rolname"] for row in found if not row["decides"]] == [READER]


def test_a_reader_who_gives_a_command_is_told_what_he_lacks(database: Settings, rita: str) -> None:
    settings = database.model_copy(update={"person_password": SecretStr(PASSWORD)})
    with pytest.raises(ConfigurationError, match="may read published data"):
        control_of_person(settings, rita)


def test_the_command_prints_the_catalog_without_a_password(database: Settings, rita: str) -> None:
    printed = call("user", "catalog", rita).stdout
    assert yaml.safe_load(printed) == yaml.safe_load(catalog_access.pyiceberg(database, rita))
    own = str(database.postgres_url).split(":")[2].split("@")[0]
    for engine in ("pyiceberg", "spark"):
        text = call("user", "catalog", rita, "--for", engine).stdout
        assert rita in text
        assert own not in text, "the platform's password"
    with pytest.raises(ConfigurationError, match="no person uses"):
        call("user", "catalog", "nobody")


def test_secrets_of_the_platforms_address_are_not_handed_on() -> None:
    settings = Settings(
        postgres_url="postgresql://plat:geheim@db:5/x?sslmode=verify-full&sslpassword=geheim&password=geheim&options=-ca"
    )
    url = settings.reader_url("ann@home")
    assert "geheim" not in url
    assert url.startswith("postgresql://ann%40home@db:5/x?sslmode=verify-full&options=-csearch_path%3Diceberg")
    assert "sslmode=verify-full" in catalog_access.spark(settings, "ann")
