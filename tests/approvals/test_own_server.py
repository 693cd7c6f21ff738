"""A server of the installation's own, where neither of the two logins is a superuser."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.control.integrity import audit_trail, standing_checks
from casegold.control.model import PartitionRange
from casegold.domain.errors import ConfigurationError, Refused
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from casegold.servers import local, postgres, separation
from casegold.servers.postgres import PostgresServer
from tests.approvals.conftest import OPERATOR, PASSWORD, PLAN, SNAPSHOT, STEWARD

DAY = PartitionRange(date(2026, 1, 1), date(2026, 1, 1))


@dataclass
class Server:
    """A server that somebody else runs: `superuser` is his."""

    superuser: str
    settings: Settings

    def runs(self, script: str, **variables: str) -> None:
        """Its administrator runs a shipped script."""
        options = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        psql = str(postgres.programs() / "psql")
        file = str(REPOSITORY / "deploy" / "postgres" / script)
        done = subprocess.run(
            [psql, "-X", "-q", self.superuser, *options, "-f", file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(statement)

    @property
    def owner(self) -> ControlDb:
        return ControlDb(self.settings.owner_url())

    @property
    def control(self) -> ControlDb:
        return ControlDb(self.settings.control_url())

    def person(self, name: str, role: str) -> ControlDb:
        people.add(self.owner, name, role, name, PASSWORD)
        return ControlDb(self.settings.person_url(name, PASSWORD))


@contextmanager
def own_server() -> Iterator[Server]:
    """A database owned by a user who may not even create roles, and a login beside him that may nothing."""
    home = Path(tempfile.mkdtemp(prefix="casegold-own-"))
    server = PostgresServer(home / "postgres")
    try:
        port = server.up(None, print)
        with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
            connection.execute("create role plat login password 'plat'")
            connection.execute("create role runs login password 'runs'")
            connection.execute("create database plat owner plat")
        settings = Settings(
            home=home / "installation",
            postgres_url=f"postgresql://runs:runs@127.0.0.1:{port}/plat",
            postgres_owner_url=f"postgresql://plat:plat@127.0.0.1:{port}/plat",
        )
        yield Server(server.url(port, "plat"), settings)
    finally:
        server.down()
        shutil.rmtree(home)


@pytest.fixture
def server() -> Iterator[Server]:
    with own_server() as made:
        yield made


@pytest.fixture(scope="module")
def sealed() -> Iterator[Server]:
    with own_server() as made:
        made.runs("prepare.sql", owner="plat", platform="runs")
        local.prepare_database(made.settings)
        made.runs("seal.sql", owner="plat")
        yield made


def rights(server: Server) -> list[str]:
    """What a superuser still has to do, as `casegold up` says it."""
    said: list[str] = []
    separation.tell(server.control, said.append)
    return said


def test_four_eyes_need_no_superuser(server: Server) -> None:
    with pytest.raises(ConfigurationError, match="may not create roles") as refused:
        local.prepare_database(server.settings)
    assert "createrole" in str(refused.value.remedy)
    server.runs("prepare.sql", owner="plat", platform="runs")
    for _ in range(2):
        local.prepare_database(server.settings)
    assert "plat may become casegold_audit" in " ".join(rights(server))
    server.runs("seal.sql", owner="plat")
    assert rights(server) == []
    local.prepare_database(server.settings)
    ann, bob = server.person("ann", OPERATOR), server.person("bob", STEWARD)
    wanted = approvals.request(ann, SNAPSHOT, DAY, "BACKFILL", "why").subject
    digest = approvals.submit(ann, wanted, PLAN)
    for machine, name in ((server.control, "runs"), (server.owner, "plat")):
        with pytest.raises(Refused, match=rf"{name} is the platform's own login|permission denied"):
            approvals.approve(machine, wanted, digest)
    with pytest.raises(Refused, match="no role that may approve"):
        approvals.approve(ann, wanted, digest)
    assert approvals.approve(bob, wanted, digest).state == "APPROVED"
    assert approvals.begin(server.control, wanted, digest).state == "EXECUTING"
    assert audit_trail.breaks(server.control, 10) == []
    with psycopg.connect(bob.url) as left_open:
        people.remove(server.owner, "bob")
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("select * from casegold.backfill_request")


@pytest.mark.parametrize(
    "statement",
    [
        "alter table casegold.backfill_audit disable trigger user",
        "drop trigger audit_is_chained on casegold.backfill_approval",
        "insert into casegold.backfill_approval (backfill_run_id, level) values ('bf_1', 1)",
        "insert into casegold.backfill_audit (step) values ('APPROVED')",
        "delete from casegold.audit_link",
        "truncate casegold.waiver_audit",
        "create or replace function casegold.who_calls() returns casegold.identity language sql as 'select null'",
        "set role casegold_audit",
        "grant casegold_audit to plat",
        "grant casegold_audit to runs",
        "alter role casegold_audit login",
        "alter table casegold.backfill_audit owner to plat",
        "alter schema casegold owner to plat",
        "drop table casegold.backfill_audit",
        "drop schema casegold cascade",
        "create trigger mine before insert on casegold.audit_link execute function casegold.keep_setting()",
    ],
)
def test_a_sealed_trail_is_out_of_the_owners_reach(sealed: Server, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege), sealed.owner.write("by a test") as connection:
        connection.execute(statement)


def test_what_the_server_leaves_open_is_told(server: Server) -> None:
    server.runs("prepare.sql", owner="plat", platform="runs")
    local.prepare_database(server.settings)
    server.runs("seal.sql", owner="plat")
    server.execute("grant execute on function pg_advisory_lock(bigint), lo_create(oid) to public")
    server.execute("alter role runs createrole")
    server.execute("grant update on casegold.backfill_approval to runs")
    server.execute("alter table casegold.backfill_audit disable trigger user")
    answer = standing_checks.ask(server.control, standing_checks.RIGHTS)
    said = " ".join(str(row["problem"]) for row in answer.sample)
    for problem in (
        "pg_advisory_lock(bigint)",
        "lo_create(oid)",
        "runs may make roles",
        "runs may update backfill_approval",
        "the trigger audit_is_chained of backfill_audit is off",
    ):
        assert problem in said


def test_one_login_for_both_is_refused(server: Server) -> None:
    server.runs("prepare.sql", owner="plat", platform="runs")
    one = server.settings.model_copy(update={"postgres_url": server.settings.postgres_owner_url})
    with pytest.raises(ConfigurationError, match="plat owns the database and cannot run the platform"):
        local.prepare_database(one)


def test_the_owner_has_to_be_named(server: Server) -> None:
    nobody = server.settings.model_copy(update={"postgres_owner_url": None})
    with pytest.raises(ConfigurationError, match="CASEGOLD_POSTGRES_OWNER_URL is not set"):
        local.prepare_database(nobody)


def test_a_password_that_its_user_changed_is_found(server: Server) -> None:
    server.runs("prepare.sql", owner="plat", platform="runs")
    local.prepare_database(server.settings)
    ann = server.person("ann", OPERATOR)
    server.person("bob", STEWARD)
    assert people.changed_passwords(server.owner) == []
    with ann.write("by a test") as connection:
        connection.execute("alter role ann password 'x'")
    assert people.changed_passwords(server.owner) == ["ann"]
    server.execute("revoke select (rolname, rolpassword) on pg_authid from plat")
    server.execute("revoke pg_read_all_data from plat")
    with pytest.raises(ConfigurationError, match="may not compare passwords"):
        people.changed_passwords(server.owner)
