"""What PostgreSQL itself refuses people. No audit row can exist of it; the server's log names the login."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, Refused
from casegold.runtime.settings import Settings
from tests.approvals.conftest import PASSWORD, STEWARD, People, any_value, execute, login_of

Planned = tuple[str, str]


def refused_by_postgres(person: ControlDb, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege), person.write("by a test") as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update casegold.backfill_request set state = 'APPROVED'",
        "update casegold.backfill_request set requested_person = 'zoe'",
        "select from casegold.backfill_request for update",
        "insert into casegold.backfill_request (backfill_run_id) values ('bf_1')",
        "insert into casegold.backfill_approval (backfill_run_id, level) values ('bf_1', 1)",
        "delete from casegold.backfill_approval",
        "update casegold.backfill_audit set actor = 'zoe'",
        "insert into casegold.backfill_audit (step) values ('x')",
        "delete from casegold.backfill_audit",
        "truncate casegold.backfill_audit",
        "insert into casegold.waiver (dataset) values ('x')",
        "update casegold.waiver set approved_by = 'zoe'",
        "insert into casegold.person_login (login, person) values ('x', 'y')",
        "update casegold.person_login set person = 'y'",
        "update casegold.approval_rule set above_partitions = 1000000",
        "insert into casegold.approval_rule values ('gold/case_daily_snapshot', 1, 'casegold_operator', null)",
        "insert into casegold.outbox (id, aggregatetype, aggregateid, type, payload)"
        " values (gen_random_uuid(), 'backfill', 'x', 'BackfillApproved', '{}')",
        "select casegold.backfill_begin('bf_1', 'x')",
        "select casegold.backfill_end('bf_1', true, 'x')",
        "select casegold.backfill_record(null, 'APPROVED', 'BackfillApproved', '{}')",
        "select casegold.backfill_move('bf_1', 'x', '{0}', '{PLANNED}', 'APPROVED', 'x')",
        "select casegold.make_group_role('casegold_mine', true)",
        "select * from casegold.run_attempt",
        "alter table casegold.backfill_audit disable trigger all",
        "create table casegold.mine ()",
        "create function casegold.who_calls(text) returns text language sql as 'select $1'",
        "set role casegold",
        "set session authorization casegold",
        "set session_replication_role = replica",
        "set log_min_messages = panic",
        "create role zoe login",
    ],
)
def test_people_write_nothing_and_call_only_what_is_theirs(ann: ControlDb, bob: ControlDb, statement: str) -> None:
    for person in (ann, bob):
        refused_by_postgres(person, statement)


def test_nobody_takes_anothers_place(ann: ControlDb, bob: ControlDb) -> None:
    for statement in (f"set role {login_of(bob)}", f"set session authorization {login_of(bob)}"):
        refused_by_postgres(ann, statement)
    refused_by_postgres(ann, f"grant casegold_steward to {login_of(ann)}")
    refused_by_postgres(ann, f"alter role {login_of(bob)} password 'mine'")


def test_a_role_of_ones_own_that_is_put_on_changes_no_signature(
    bob: ControlDb, control: ControlDb, planned: Planned
) -> None:
    with bob.write("by a test") as connection:
        connection.execute("set role casegold_steward")
        connection.execute("select casegold.backfill_approve(%s, %s)", planned)
    assert any_value(control, "select login from backfill_approval") == login_of(bob)


def test_what_was_refused_is_in_the_servers_log_with_the_login(servers_log: Path, ann: ControlDb) -> None:
    refused_by_postgres(ann, "update casegold.backfill_request set state = 'APPROVED'")
    with servers_log.open(encoding="utf-8") as log:
        assert any(f"{login_of(ann)}@" in line and "permission denied" in line for line in log)


def test_nobody_gets_in_without_a_password_not_even_on_loopback(database: Settings, bob: ControlDb) -> None:
    host = urlsplit(database.control_url()).hostname
    assert host == "127.0.0.1"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(database.person_url(login_of(bob), None), passfile="/dev/null")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.person_url(login_of(bob), "another"))


def test_a_login_without_a_password_does_not_get_in(owner: ControlDb, database: Settings, folk: People) -> None:
    login = login_of(folk.add("kim", STEWARD))
    execute(owner, f"alter role {login} password null")
    for password in ("", PASSWORD):
        with pytest.raises(psycopg.OperationalError, match=r"password|supplied"):
            psycopg.connect(database.person_url(login, password), passfile="/dev/null")


def test_where_the_server_asks_for_no_proof_nobody_approves(
    owner: ControlDb, servers: Settings, database: Settings, bob: ControlDb, planned: Planned
) -> None:
    rules = servers.home / "postgres" / "data" / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    rules.write_text(f"host all {login_of(bob)} 127.0.0.1/32 trust\n{before}", encoding="utf-8")
    try:
        execute(owner, "select pg_reload_conf()")
        trusted = ControlDb(database.person_url(login_of(bob), None))
        while any_value(owner, "select count(*) from pg_hba_file_rules where auth_method = 'trust'") == 0:
            pass
        with pytest.raises(Refused, match="without asking for a proof"):
            approvals.approve(trusted, *planned)
    finally:
        rules.write_text(before, encoding="utf-8")
        execute(owner, "select pg_reload_conf()")


def test_every_rule_of_the_servers_access_file_asks_for_scram(owner: ControlDb) -> None:
    methods = owner.rows("select distinct auth_method from pg_hba_file_rules")
    assert [row["auth_method"] for row in methods] == ["scram-sha-256"]


def test_a_password_leaves_no_trace_in_the_servers_log(
    owner: ControlDb, servers_log: Path, control: ControlDb, folk: People
) -> None:
    execute(owner, "alter database " + any_value(control, "select current_database()") + " set log_statement = 'all'")
    folk.add("lou", STEWARD)
    text = servers_log.read_text(encoding="utf-8")
    assert "create role" in text
    assert PASSWORD not in text


def test_a_removed_login_is_out_at_once_and_what_it_did_stays(
    owner: ControlDb, control: ControlDb, bob: ControlDb, approved: Planned
) -> None:
    open_session = psycopg.connect(bob.url)
    people.remove(owner, login_of(bob))
    with pytest.raises(psycopg.OperationalError):
        open_session.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(bob.url)
    (found,) = [each for each in people.logins(control) if each.login == login_of(bob)]
    assert found.removed_by == "casegold"
    assert approvals.find(control, approved[0]).approvals == [f"1: bob ({login_of(bob)})"]


def test_a_login_is_one_persons_for_ever(owner: ControlDb, bob: ControlDb) -> None:
    login = login_of(bob)
    with pytest.raises(ConfigurationError, match=r"has a login .* already"):
        people.add(owner, login, STEWARD, "bob", PASSWORD)
    people.remove(owner, login)
    with pytest.raises(ConfigurationError, match="belonged to bob"):
        people.add(owner, login, STEWARD, "zoe", PASSWORD)
    people.add(owner, login, STEWARD, "bob", PASSWORD)
    assert any_value(bob, "select session_user::text") == login
    for statement in (
        "update person_login set person = 'zoe'",
        "delete from person_login",
        "truncate person_login cascade",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            execute(owner, statement)


def test_a_login_that_the_server_has_is_not_adopted(owner: ControlDb) -> None:
    for name in ("casegold", "casegold_steward"):
        with pytest.raises(ConfigurationError, match=r"has a login .* already"):
            people.add(owner, name, STEWARD, "zoe", PASSWORD)


def test_a_login_without_any_role_is_told_what_it_lacks(owner: ControlDb, bob: ControlDb, planned: Planned) -> None:
    execute(owner, f"revoke casegold_steward from {login_of(bob)}")
    with pytest.raises(Refused, match="casegold user add"):
        approvals.approve(bob, *planned)
