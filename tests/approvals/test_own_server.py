"""A server of the installation's own, where the platform's user is no superuser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from casegold.domain.errors import ConfigurationError, Refused
from casegold.manifest import approvals, people
from casegold.manifest.db import ControlDb
from casegold.manifest.model import PartitionRange
from casegold.runtime.services import local
from casegold.runtime.services.postgres import PostgresServer
from casegold.runtime.settings import Settings
from tests.approvals.conftest import OPERATOR, PASSWORD, PLAN, SNAPSHOT, STEWARD

DAY = PartitionRange(date(2026, 1, 1), date(2026, 1, 1))


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A database owned by a user who may not even create roles."""
    home: Path = tmp_path_factory.mktemp("own")
    server = PostgresServer(home / "postgres")
    try:
        port = server.up(None, print)
        with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
            connection.execute("create role plat login password 'plat'")
            connection.execute("create database plat owner plat")
        yield Settings(home=home / "installation", postgres_url=f"postgresql://plat:plat@127.0.0.1:{port}/plat")
    finally:
        server.down()


def test_four_eyes_need_no_superuser(platform: Settings) -> None:
    with pytest.raises(ConfigurationError, match="may not create roles") as refused:
        local.prepare_database(platform)
    assert refused.value.remedy == "as a superuser: alter role plat createrole"
    allow_roles(platform)
    for _ in range(2):
        local.prepare_database(platform)
    control = ControlDb(platform.control_url())
    ann, bob = (person(platform, control, name, role) for name, role in (("ann", OPERATOR), ("bob", STEWARD)))
    wanted = approvals.request(ann, SNAPSHOT, DAY, "BACKFILL", "why").subject
    digest = approvals.submit(ann, wanted, PLAN)
    with pytest.raises(Refused, match="plat is the platform's own login"):
        approvals.approve(control, wanted, digest)
    with pytest.raises(Refused, match="no role that may approve"):
        approvals.approve(ann, wanted, digest)
    assert approvals.approve(bob, wanted, digest).state == "APPROVED"
    assert approvals.begin(control, wanted, digest).state == "EXECUTING"
    with psycopg.connect(bob.url) as left_open:
        with pytest.raises(ConfigurationError, match="bob is gone, but"):
            people.remove(control, "bob")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            left_open.execute("select * from casegold.backfill_request")


def allow_roles(platform: Settings) -> None:
    server = PostgresServer(platform.home.parent / "postgres")
    port = int(str(platform.postgres_url).rpartition(":")[2].partition("/")[0])
    with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute("alter role plat createrole")


def person(platform: Settings, control: ControlDb, name: str, role: str) -> ControlDb:
    people.add(control, name, role, name, PASSWORD)
    return ControlDb(platform.person_url(name, PASSWORD))
