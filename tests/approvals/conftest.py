"""People with real logins, each over connections of their own, and requests in every state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.control.model import PartitionRange
from casegold.runtime.settings import Settings

SNAPSHOT = "gold/case_daily_snapshot"
OPERATOR, STEWARD, OFFICER, READER = "casegold_operator", "casegold_steward", "casegold_officer", "casegold_reader"
JANUARY = PartitionRange(date(2026, 1, 1), date(2026, 1, 31))
PLAN = {"partitions": ["2026-01-01"], "pins": {"admitted_seq": 7}}
PASSWORD = "correct horse battery"


@dataclass
class People:
    """Makes logins with names that no other test uses: roles belong to the whole server."""

    settings: Settings
    owner: ControlDb
    made: list[str] = field(default_factory=list)

    def add(self, name: str, role: str, person: str | None = None) -> ControlDb:
        login = f"{name}_{uuid4().hex[:8]}"
        people.add(self.owner, login, role, person or name, PASSWORD)
        self.made.append(login)
        return ControlDb(self.settings.person_url(login, PASSWORD))


@pytest.fixture
def folk(database: Settings, owner: ControlDb) -> Iterator[People]:
    made = People(database, owner)
    yield made
    with owner.write("by a test") as connection:
        for login in made.made:
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


@pytest.fixture
def ann(folk: People) -> ControlDb:
    """Ann asks."""
    return folk.add("ann", OPERATOR)


@pytest.fixture
def bob(folk: People) -> ControlDb:
    """Bob approves at the first level."""
    return folk.add("bob", STEWARD)


@pytest.fixture
def cleo(folk: People) -> ControlDb:
    """Cleo approves at the second level."""
    return folk.add("cleo", OFFICER)


@pytest.fixture
def requested(ann: ControlDb) -> str:
    return approvals.request(ann, SNAPSHOT, JANUARY, "BACKFILL", "the source sent wrong levels").subject


@pytest.fixture
def planned(ann: ControlDb, requested: str) -> tuple[str, str]:
    """Id and digest of a request that Ann made and planned."""
    return requested, approvals.submit(ann, requested, PLAN)


@pytest.fixture
def approved(bob: ControlDb, planned: tuple[str, str]) -> tuple[str, str]:
    approvals.approve(bob, *planned)
    return planned


def login_of(person: ControlDb) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(person.url)["user"])


def refused_attempts(control: ControlDb, person: ControlDb) -> list[tuple[str, str]]:
    """What a login was refused, oldest first, with the rule."""
    rows = control.rows(
        "select detail from backfill_audit where step = 'REFUSED' and actor = %(login)s order by audit_id",
        {"login": login_of(person)},
    )
    return [(row["detail"]["attempt"], row["detail"]["why"]) for row in rows]


def steps(control: ControlDb, backfill_run_id: str) -> list[str]:
    """Steps of a request, oldest first, as the trail has them."""
    return [entry.step for entry in reversed(approvals.audit(control, backfill_run_id, 100))]


def events(control: ControlDb, backfill_run_id: str) -> list[str]:
    rows = control.rows("select type from outbox where aggregateid = %(id)s order by position", {"id": backfill_run_id})
    return [row["type"] for row in rows]


Publish = Callable[[int], None]


@pytest.fixture
def publish(control: ControlDb) -> Publish:
    """Make the first dates of January published partitions."""

    def published(count: int) -> None:
        from tests.control.register import RUN, Register  # noqa: PLC0415

        with control.write("by a test") as connection:
            Register(connection)
            connection.execute(
                "insert into dataset_version (dataset, version, state, run_id, attempt, token, base_snapshot_id,"
                " staged_branch, staged_snapshot_id, snapshot_id, quality_status, publication, transform_version,"
                " contract_version, seen, completed_at)"
                " values (%s, 1, 'COMPLETED', %s, 1, gen_random_uuid(), 1, 'b', 1, 1, 'PASSED', 'OFFICIAL', '1', '1',"
                " '{}', now())",
                (SNAPSHOT, RUN),
            )
            connection.execute(
                "insert into partition_state (dataset, partition_key, current_version, row_count, digest_high,"
                " digest_low, seen_transform, seen_contract, last_run_id)"
                " select %s, date '2026-01-01' + n, 1, 0, 0, 0, '1', '1', %s from generate_series(0, %s - 1) n",
                (SNAPSHOT, RUN, count),
            )

    return published


def any_value(control: ControlDb, statement: Any, parameters: dict[str, Any] | None = None) -> Any:
    (row,) = control.rows(statement, parameters)
    (value,) = row.values()
    return value


def execute(control: ControlDb, statement: Any, parameters: Any = None) -> None:
    """One statement in a transaction of its own."""
    with control.write("by a test") as connection:
        connection.execute(statement, parameters)


@pytest.fixture
def servers_log(servers: Settings) -> Path:
    """The log of the session's PostgreSQL server."""
    return servers.home / "postgres" / "server.log"
