"""An installation in which one login owned everything and ran everything becomes one with three roles and a chain."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from casegold.control import installation
from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb, migrate
from casegold.control.integrity import audit_trail, standing_checks
from casegold.runtime.settings import Settings
from casegold.servers import local
from casegold.servers.postgres import PostgresServer
from tests.approvals.conftest import JANUARY, OPERATOR, PASSWORD, PLAN, SNAPSHOT, STEWARD
from tests.approvals.test_own_server import Server

BEFORE = "0005"
LOGINS = {"ann": OPERATOR, "bob": STEWARD}


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    home = Path(tempfile.mkdtemp(prefix="casegold-upgrade-"))
    made = PostgresServer(home / "postgres")
    try:
        yield made
    finally:
        made.down()
        shutil.rmtree(home)


def lived(settings: Settings, owner_url: str) -> str:
    """What the release before left behind in a database: people, an approved request, Dagster's tables. The request."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create schema casegold; create schema dagster; create schema iceberg")
        connection.execute("create table dagster.runs (id bigserial primary key)")
        connection.execute("create table iceberg.iceberg_tables (catalog_name varchar(255))")
    migrate(owner_url, BEFORE)
    one = ControlDb(f"{owner_url}?options=-csearch_path%3Dcasegold")
    with one.write("by a test") as connection:
        connection.execute(
            "select make_group_role(r, true) from unnest(array['casegold_operator', 'casegold_steward']) r"
        )
        connection.execute(
            "insert into approval_rule values (%(d)s, 0, 'casegold_operator', null, true),"
            " (%(d)s, 1, 'casegold_steward', null, true)",
            {"d": SNAPSHOT},
        )
        for login, role in LOGINS.items():
            connection.execute("insert into person_login (login, person) values (%s, %s)", (login, login))
            create = sql.SQL("create role {} login password {} in role {}")
            connection.execute(create.format(sql.Identifier(login), sql.Literal(PASSWORD), sql.Identifier(role)))
    installation.install(one, settings.time_zone, settings.business_clock)
    ann, bob = (ControlDb(settings.person_url(login, PASSWORD)) for login in LOGINS)
    wanted = approvals.request(ann, SNAPSHOT, JANUARY, "BACKFILL", "why").subject
    approvals.approve(bob, wanted, approvals.submit(ann, wanted, PLAN))
    return wanted


def holds_after(settings: Settings, wanted: str) -> None:
    """People, rights and the trail of before are there, and the platform's login can neither change nor lose them."""
    control = ControlDb(settings.control_url())
    found = approvals.find(control, wanted)
    assert (found.state, found.approvals) == ("APPROVED", ["1: bob (bob)"])
    assert [entry.step for entry in approvals.audit(control, wanted, 10)][::-1] == [
        "REQUESTED",
        "PLANNED",
        "APPROVAL_GIVEN",
        "APPROVED",
    ]
    assert audit_trail.breaks(control, 10) == []
    assert audit_trail.head(control).sequence >= 8, "two people, the request, its approval and four steps"
    assert standing_checks.ask(control, standing_checks.RIGHTS).sample == ()
    assert [each.login for each in people.logins(control)] == ["ann", "bob"]
    approvals.begin(control, wanted, str(found.plan_digest))
    with control.write("by a test") as connection:
        connection.execute("insert into dagster.runs default values")
        connection.execute("alter table dagster.runs add column later int")
        connection.execute("create table dagster.more (id int)")
    with psycopg.connect(settings.person_url("ann", PASSWORD)) as connection:
        limit = connection.execute("select current_setting('lock_timeout')").fetchone()
        assert limit == ("10s",)


def test_a_local_server(server: PostgresServer) -> None:
    settings = Settings(home=server.directory.parent)
    local.start_servers(settings.model_copy(update={"kafka_bootstrap": "localhost:1"}), print)
    wanted = lived(settings, settings.owner_url().partition("?")[0])
    for _ in range(2):
        local.prepare_database(settings)
    holds_after(settings, wanted)


def test_a_server_of_ones_own(server: PostgresServer) -> None:
    port = server.up(None, print)
    with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute("create role plat login createrole password 'plat'")
        connection.execute("create role runs login password 'runs'")
        connection.execute("create database plat owner plat")
    owner_url = f"postgresql://plat:plat@127.0.0.1:{port}/plat"
    settings = Settings(
        home=server.directory.parent,
        postgres_url=f"postgresql://runs:runs@127.0.0.1:{port}/plat",
        postgres_owner_url=owner_url,
    )
    wanted = lived(settings, owner_url)
    administrator = Server(server.url(port, "plat"), settings)
    administrator.runs("prepare.sql", owner="plat", platform="runs")
    local.prepare_database(settings)
    administrator.runs("seal.sql", owner="plat")
    holds_after(settings, wanted)
