"""The login that runs the platform tries everything it has against approvals and trail: the server refuses it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import CheckViolation, Error, InsufficientPrivilege, RestrictViolation

from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.control.integrity import audit_trail, standing_checks
from casegold.domain.errors import Refused
from casegold.runtime.settings import Settings
from tests.approvals.conftest import any_value, execute, steps

Planned = tuple[str, str]
FORGED = (
    "insert into backfill_approval (backfill_run_id, level, login, person, plan_digest, approved_at)"
    " select backfill_run_id, 1, min(login), 'bob', plan_digest, now() from backfill_request, person_login"
    " where login ~ '^bob' group by 1, 2, 4, 5, 6"
)
COLUMNS = {"backfill_audit": "step", "waiver_audit": "step", "audit_link": "actor", "audit_lock": "only_row"}
DECIDED = (
    *COLUMNS,
    "backfill_approval",
    "backfill_request",
    "person_login",
    "person_password",
    "approval_rule",
    "waiver",
    "run_decision",
)
REFUSED = (
    *(f"alter table {table} disable trigger user" for table in DECIDED),
    *(f"drop trigger audit_is_chained on {table}" for table in DECIDED if not table.startswith("audit_")),
    "drop trigger audit_link_is_insert_only on audit_link",
    *(f"drop table {table} cascade" for table in DECIDED),
    *(f"truncate {table} cascade" for table in DECIDED),
    *(f"delete from {table}" for table in DECIDED),  # noqa: S608
    *(f"begin; lock table {table} in exclusive mode" for table in DECIDED),
    *(f"select from {table} for update" for table in DECIDED),
    *(f"update {table} set {column} = {column}" for table, column in COLUMNS.items()),  # noqa: S608
    "set session_replication_role = replica",
    "alter role casegold_platform set session_replication_role = replica",
    "set role casegold",
    "set role casegold_owner",
    "set role casegold_audit",
    "set role casegold_steward",
    "set session authorization casegold",
    FORGED,
    "insert into backfill_audit (step, actor, person, at) values ('APPROVED', 'bob', 'bob', now())",
    "insert into waiver_audit (step, actor, person, at) values ('APPROVED', 'bob', 'bob', now())",
    "insert into audit_link select 1, 'x', 'x', '{}', 'bob', now(), repeat('0', 64), repeat('0', 64)",
    "insert into person_login (login, person) values ('bob2', 'bob')",
    "insert into approval_rule values ('gold/case_daily_snapshot', 1, 'casegold_runtime', null, false)",
    "insert into waiver (dataset, partition_from, partition_to, check_name, reason)"
    " values ('gold/case_daily_snapshot', '2026-01-01', '2026-01-01', 'completeness', 'why')",
    "insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason, state)"
    " values ('bf_1', 'gold/case_daily_snapshot', '2026-02-01', '2026-02-01', 'BACKFILL', 'why', 'APPROVED')",
    "update backfill_request set state = 'APPROVED'",
    "update backfill_request set requested_person = 'zoe', plan = '{}'",
    "update waiver set approved_by = 'bob', approved_person = 'bob', approved_at = now()",
    "update person_login set person = 'zoe'",
    "update approval_rule set role_name = 'casegold_runtime'",
    "update fact_admission set decided_by = 'bob', reason = 'why'",
    "create or replace function who_calls() returns identity language sql as 'select null::identity'",
    "create or replace function audit_chained() returns trigger language plpgsql as 'begin return null; end'",
    "create function casegold.may(text, text) returns boolean language sql as 'select true'",
    "alter function who_calls() owner to casegold_platform",
    "alter function backfill_approve(text, text) security invoker",
    "drop function who_calls() cascade",
    "select audit_append('x', 'x', '{}')",
    "select backfill_move('bf_1', 'x', '{0}', '{PLANNED}', 'APPROVED', 'x')",
    "select backfill_record(null, 'APPROVED', 'BackfillApproved', '{}')",
    "select make_group_role('casegold_mine', true)",
    "create trigger mine before insert on outbox execute function refuse_change()",
    "create rule mine as on insert to backfill_audit do instead nothing",
    "create table casegold.mine ()",
    "create schema mine",
    "drop schema casegold cascade",
    "alter schema casegold owner to casegold_platform",
    "create role zoe login",
    "alter role casegold_platform superuser",
    "alter role casegold_platform createrole",
    "grant casegold_audit to casegold_platform",
    "grant casegold_steward to casegold_platform",
    "create extension vector",
    "copy backfill_audit to program 'cat'",
    "copy backfill_audit from program 'echo'",
    "copy backfill_audit to '/tmp/x'",
    "copy backfill_audit from '/etc/passwd'",
    "select pg_read_file('postgresql.conf')",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select lo_import('/etc/passwd')",
    "select * from pg_authid",
    "alter system set fsync = off",
    "select pg_reload_conf()",
    "set log_min_messages = panic",
    "create event trigger mine on ddl_command_start execute function refuse_change()",
    "create publication mine for table backfill_audit",
    "create subscription mine connection 'dbname=x' publication mine",
    "update pg_trigger set tgenabled = 'D'",
    "alter default privileges for role casegold_owner grant insert on tables to casegold_platform",
    "reassign owned by casegold_audit to casegold_platform",
    "drop owned by casegold_audit",
)


def refused(control: ControlDb, statement: str) -> Error | None:
    """What the server says to a statement; None where it did it."""
    try:
        with psycopg.connect(control.url, autocommit=True) as connection:
            connection.execute(statement)
    except Error as error:
        return error
    return None


def test_everything_it_tries_is_refused_and_leaves_no_trace(control: ControlDb, planned: Planned) -> None:
    before = audit_trail.head(control), steps(control, planned[0])
    answers = {statement: refused(control, statement) for statement in REFUSED}
    rights = (InsufficientPrivilege, CheckViolation, RestrictViolation)
    other = {statement: str(error) for statement, error in answers.items() if not isinstance(error, rights)}
    assert other == {}
    assert (audit_trail.head(control), steps(control, planned[0])) == before
    assert approvals.find(control, planned[0]).state == "PLANNED"
    assert audit_trail.breaks(control, 10) == []
    assert standing_checks.ask(control, standing_checks.RIGHTS).sample == ()


def test_it_takes_no_part_in_decisions(control: ControlDb, planned: Planned) -> None:
    with pytest.raises(Refused, match="casegold_platform is the platform's own login"):
        approvals.approve(control, *planned)
    with pytest.raises(Refused, match="not APPROVED"):
        approvals.begin(control, *planned)
    assert steps(control, planned[0])[-2:] == ["REFUSED", "REFUSED"], "the attempts are in the trail"


def test_a_refusal_that_it_writes_names_the_platform(control: ControlDb, planned: Planned) -> None:
    execute(control, "select backfill_refuse(%s, 'approve', 'bob said so', '{\"person\": \"bob\"}')", (planned[0],))
    entry = approvals.audit(control, planned[0], 1)[0]
    assert (entry.step, entry.actor, entry.person) == ("REFUSED", "casegold_platform", None)


def test_postponed_links_are_written_whatever_it_sets(control: ControlDb) -> None:
    before = audit_trail.head(control).sequence
    with control.write("by a test") as connection:
        connection.execute("set constraints all deferred")
        connection.execute(
            "insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason)"
            " values ('bf_1', 'gold/case_daily_snapshot', '2026-02-01', '2026-02-01', 'BACKFILL', 'why')"
        )
    assert audit_trail.head(control).sequence == before + 2, "the request and its step"
    assert audit_trail.breaks(control, 10) == []


@pytest.mark.parametrize(
    "statement",
    [
        "select pg_advisory_lock(7201)",
        "select pg_advisory_xact_lock(7204)",
        "select pg_try_advisory_lock(7205)",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "select * from casegold.person_password",
    ],
)
def test_no_person_stops_the_platform_or_fills_its_disk(ann: ControlDb, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege), ann.write("by a test") as connection:
        connection.execute(statement)


def test_a_person_does_not_wait_for_a_lock_for_long(database: Settings, ann: ControlDb) -> None:
    with psycopg.connect(ann.url) as connection:
        found = connection.execute("select current_setting('lock_timeout'), current_setting('statement_timeout')")
        assert found.fetchone() == ("10s", "1min")
    (platform,) = ControlDb(database.control_url()).rows("select current_setting('lock_timeout') as wait")
    assert platform["wait"] == "5min"


@pytest.mark.usefixtures("planned", "bob")
def test_the_owner_writes_no_persons_approval_by_hand(owner: ControlDb) -> None:
    """A superuser gets past triggers; the trail shows it."""
    execute(owner, "alter table backfill_approval disable trigger user")
    execute(owner, FORGED)
    (found,) = audit_trail.breaks(owner, 10)
    assert (found.source, found.problem) == ("backfill_approval", "the row came about without a link")
    assert any_value(owner, "select state from backfill_request") == "PLANNED"
