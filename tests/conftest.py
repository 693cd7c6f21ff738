"""A real installation for every test: one PostgreSQL and one Kafka per session, a database and topics per test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from casegold.control import installation
from casegold.control.db import ControlDb
from casegold.runtime.settings import PREFIX, Settings, load_settings
from casegold.servers import local

pytest_plugins = ["tests.sampling.plugin"]

# What names the machine's own downloads may stay; the installation that the shell points to must never be touched.
for variable in [name for name in os.environ if name.startswith(PREFIX)]:
    if variable not in {f"{PREFIX}MAVEN_URL", f"{PREFIX}JAR_CACHE"}:
        del os.environ[variable]

# Tables are as wide wherever tests run: what is asserted of a line must not be folded.
os.environ["COLUMNS"] = "200"

# A property shares its database with its own examples only, and each of them cleans up after itself.
_SHARED_DATABASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
hypothesis_settings.register_profile("default", deadline=None, suppress_health_check=_SHARED_DATABASE)
hypothesis_settings.register_profile(
    "ci", deadline=None, suppress_health_check=_SHARED_DATABASE, derandomize=True, print_blob=True
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

TOPIC_FIELDS = (
    "events_topic",
    "totals_topic",
    "outbox_topic_prefix",
    "backfill_requests_topic",
    "events_dlq_topic",
    "totals_dlq_topic",
)


@contextmanager
def two_servers(prefix: str, kept: str | None = None) -> Iterator[Settings]:
    """Two servers; their database is the template of the tests' own: migrated, never started.

    Args:
        prefix: of the home directory of new ones.
        kept: the home directory of those that stay: they are started if they do not run, and go on afterwards.
    """
    home = Path(kept) if kept else Path(tempfile.mkdtemp(prefix=prefix))
    settings = Settings(home=home)
    try:
        local.start_servers(settings, print)
        local.prepare_database(settings)
        with ControlDb(settings.owner_url()).write("by a test") as connection:
            connection.execute("truncate setting, setting_history")
        yield settings
    finally:
        if not kept:
            local.down(settings)
            shutil.rmtree(home)


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """The session's two servers, which nobody kills; with TEST_SERVERS=DIRECTORY they go on for the next session."""
    with two_servers("casegold-tests-", os.environ.get("TEST_SERVERS")) as settings:
        with psycopg.connect(settings.owner_url(), autocommit=True) as connection:
            # Tests kill processes, never the machine: what is not on the disk yet is still in the operating system.
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        yield settings


@pytest.fixture(scope="module")
def own_servers() -> Iterator[Settings]:
    """Two servers that are the module's own to kill."""
    with two_servers("casegold-own-") as settings:
        yield settings


@pytest.fixture
def overrides() -> Mapping[str, str]:
    """Settings that a test module wants to differ, by field name: it defines a fixture of this name."""
    return {}


@contextmanager
def own_database(
    servers: Settings, home: Path, monkeypatch: pytest.MonkeyPatch, overrides: Mapping[str, str]
) -> Iterator[Settings]:
    """Settings of an installation of its own, with its database and as yet no topics.

    `load_settings()` in the code under test finds the same one.
    """
    name = f"t{uuid4().hex[:12]}"
    administrator = urlsplit(servers.owner_url())._replace(query="")
    template = administrator.path.removeprefix("/")
    fields = {
        "home": str(home),
        "postgres_url": urlunsplit(urlsplit(servers.database_url())._replace(path=name)),
        "postgres_owner_url": urlunsplit(administrator._replace(path=name)),
        "kafka_bootstrap": servers.brokers(),
        **{field: f"{name}.{Settings.model_fields[field].default}" for field in TOPIC_FIELDS},
        **overrides,
    }
    for field, value in fields.items():
        monkeypatch.setenv(f"{PREFIX}{field.upper()}", value)
    own = load_settings()
    maintenance = urlunsplit(administrator._replace(path="postgres"))
    with psycopg.connect(maintenance, autocommit=True) as connection:
        create = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(create)
    installation.install(ControlDb(own.control_url()), own.time_zone, own.business_clock)
    yield own
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def own_topics(database: Settings) -> Iterator[Settings]:
    """The same installation with its topics."""
    local.create_topics(database)
    yield database
    admin = AdminClient({**database.kafka_config()})
    for gone in admin.delete_topics(list(database.topics())).values():
        gone.result()


@pytest.fixture
def database(
    servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: Mapping[str, str]
) -> Iterator[Settings]:
    """An installation of this test's own: its database, no topics yet."""
    with own_database(servers, tmp_path / "home", monkeypatch, overrides) as own:
        yield own


@pytest.fixture
def settings(database: Settings) -> Iterator[Settings]:
    """A whole installation of this test's own: database and topics."""
    with own_topics(database) as own:
        yield own


@pytest.fixture
def control(database: Settings) -> ControlDb:
    """The control database of the installation for the login that runs the platform.

    Topics are there only in a test that asks for `settings`, too.
    """
    return ControlDb(database.control_url())


@pytest.fixture
def owner(database: Settings) -> ControlDb:
    """The same for the owner: a superuser here, as on every local server."""
    return ControlDb(database.owner_url())
