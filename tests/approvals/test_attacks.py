"""Every way around four eyes that we know of: refused, and in the audit trail.

What PostgreSQL itself refuses, for want of a privilege, is in the server's log instead: see `test_privileges`.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.errors import CheckViolation, Error, RestrictViolation

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, Refused
from tests.approvals.conftest import (
    JANUARY,
    OPERATOR,
    PASSWORD,
    PLAN,
    READER,
    SNAPSHOT,
    STEWARD,
    People,
    any_value,
    execute,
    login_of,
    refused_attempts,
    steps,
)

Planned = tuple[str, str]
OTHER_DIGEST = "0" * 64


def state_of(control: ControlDb, backfill_run_id: str) -> str:
    return approvals.find(control, backfill_run_id).state


def test_the_requester_approves_his_own_request_with_the_right_role(
    owner: ControlDb, control: ControlDb, ann: ControlDb, planned: Planned
) -> None:
    execute(owner, f"grant casegold_steward to {login_of(ann)}")
    with pytest.raises(Refused, match="ann asked for it"):
        approvals.approve(ann, *planned)
    assert [attempt for attempt, _ in refused_attempts(control, ann)] == ["approve"]
    assert state_of(control, planned[0]) == "PLANNED"


def test_the_same_person_under_another_login(control: ControlDb, folk: People, planned: Planned) -> None:
    ann_too = folk.add("second", STEWARD, person="ann")
    with pytest.raises(Refused, match="ann asked for it"):
        approvals.approve(ann_too, *planned)
    assert refused_attempts(control, ann_too) == [
        ("approve", "ann asked for it or planned it: another person has to approve")
    ]


def test_a_person_spelt_differently_is_no_other_person(folk: People) -> None:
    for spelling in ("Ann", "ann ", "\u0430nn", "ann\u200b", ""):
        with pytest.raises(ConfigurationError, match="cannot be a name"):
            people.add(folk.owner, "ann_again", STEWARD, spelling, PASSWORD)


def test_who_planned_the_platforms_or_anothers_request_does_not_approve_it(
    owner: ControlDb, folk: People, requested: str
) -> None:
    gus = folk.add("gus", OPERATOR)
    execute(owner, f"grant casegold_steward to {login_of(gus)}")
    digest = approvals.submit(gus, requested, PLAN)
    with pytest.raises(Refused, match="gus asked for it or planned it"):
        approvals.approve(gus, requested, digest)


def test_an_approval_is_replayed(control: ControlDb, bob: ControlDb, approved: Planned) -> None:
    with pytest.raises(Refused, match="the request is APPROVED"):
        approvals.approve(bob, *approved)
    assert refused_attempts(control, bob) == [
        ("approve", "the request is APPROVED; to approve it, it has to be PLANNED")
    ]
    assert any_value(control, "select count(*) from backfill_approval") == 1


def test_the_approval_of_another_digest(control: ControlDb, bob: ControlDb, planned: Planned) -> None:
    for digest in (OTHER_DIGEST, "", planned[1].upper()):
        with pytest.raises(Refused, match="the digest of the plan is"):
            approvals.approve(bob, planned[0], digest)
    assert len(refused_attempts(control, bob)) == 3
    assert state_of(control, planned[0]) == "PLANNED"


def test_a_plan_is_not_changed_once_it_is_there(control: ControlDb, ann: ControlDb, planned: Planned) -> None:
    with pytest.raises(Refused, match="the request is PLANNED; to plan it"):
        approvals.submit(ann, planned[0], {**PLAN, "partitions": ["2026-01-02"]})
    assert refused_attempts(control, ann)[0][0] == "plan"
    assert approvals.find(control, planned[0]).plan == PLAN


@pytest.mark.parametrize("approved_too", [False, True])
def test_not_even_the_platform_changes_a_plan(
    owner: ControlDb, bob: ControlDb, planned: Planned, approved_too: bool
) -> None:
    if approved_too:
        approvals.approve(bob, *planned)
    for change in (
        "plan = '{}'",
        "plan = '{}', plan_digest = repeat('0', 64)",
        "planned_by = 'bob', planned_person = 'bob'",
        "requested_person = 'zoe'",
        "partition_to = '2026-02-28'",
        "mode = 'REPLAY'",
        "expires_at = expires_at + interval '1 day'",
    ):
        with pytest.raises(RestrictViolation):
            execute(owner, f"update backfill_request set {change}")  # noqa: S608


def test_an_expired_request_is_neither_approved_nor_begun(
    owner: ControlDb, control: ControlDb, ann: ControlDb, bob: ControlDb, planned: Planned
) -> None:
    execute(owner, "update backfill_request set expires_at = clock_timestamp() - interval '1 second'")
    with pytest.raises(Refused, match="expired at"):
        approvals.approve(bob, *planned)
    assert state_of(control, planned[0]) == "EXPIRED"
    assert steps(control, planned[0])[-2:] == ["EXPIRED", "REFUSED"]
    again = approvals.request(ann, SNAPSHOT, JANUARY, "BACKFILL", "again").subject
    digest = approvals.submit(ann, again, PLAN)
    approvals.approve(bob, again, digest)
    execute(
        owner,
        "update backfill_request set expires_at = clock_timestamp() - interval '1 second' where state = 'APPROVED'",
    )
    with pytest.raises(Refused, match="expired at"):
        approvals.begin(control, again, digest)
    assert state_of(control, again) == "EXPIRED"


def test_a_rejected_request_is_approved_later(control: ControlDb, bob: ControlDb, planned: Planned) -> None:
    approvals.reject(bob, planned[0], "no")
    with pytest.raises(Refused, match="REJECTED"):
        approvals.approve(bob, *planned)
    with pytest.raises(Refused, match="REJECTED"):
        approvals.begin(control, *planned)
    assert steps(control, planned[0])[-3:] == ["REJECTED", "REFUSED", "REFUSED"]


def test_a_login_that_nobody_is_known_to_use(
    owner: ControlDb, control: ControlDb, folk: People, planned: Planned
) -> None:
    ghost = folk.add("ghost", STEWARD)
    execute(
        owner,
        "update person_login set removed_at = now(), removed_by = 'casegold' where login = %s",
        (login_of(ghost),),
    )
    with pytest.raises(Refused, match="no person is known"):
        approvals.approve(ghost, *planned)
    with pytest.raises(Refused, match="no person is known"):
        approvals.request(ghost, SNAPSHOT, JANUARY, "BACKFILL", "why")
    assert [attempt for attempt, _ in refused_attempts(control, ghost)] == ["approve", "request"]


def test_a_person_without_a_part_in_the_dataset(
    owner: ControlDb, control: ControlDb, folk: People, planned: Planned
) -> None:
    rita = folk.add("rita", READER)
    execute(owner, f"grant casegold_people to {login_of(rita)}")
    wanted = planned[0]
    for attempt in (
        lambda: approvals.request(rita, SNAPSHOT, JANUARY, "REPLAY", "why"),
        lambda: approvals.submit(rita, wanted, {}),
        lambda: approvals.approve(rita, *planned),
        lambda: approvals.reject(rita, wanted, "why"),
        lambda: approvals.cancel(rita, wanted, "why"),
        lambda: approvals.pause(rita, wanted, "why"),
        lambda: approvals.resume(rita, wanted, "why"),
    ):
        with pytest.raises(Refused, match="has no role that may"):
            attempt()
    assert [attempt for attempt, _ in refused_attempts(control, rita)] == [
        "request",
        "plan",
        "approve",
        "reject",
        "cancel",
        "pause",
        "resume",
    ]
    assert state_of(control, wanted) == "PLANNED"


def test_a_steward_does_not_ask_and_an_operator_does_not_decide(
    ann: ControlDb, bob: ControlDb, planned: Planned
) -> None:
    with pytest.raises(Refused, match="no role that may request"):
        approvals.request(bob, SNAPSHOT, JANUARY, "REPLAY", "why")
    with pytest.raises(Refused, match="no role that may reject"):
        approvals.reject(ann, planned[0], "why")


def test_the_platform_is_nobodys_second_pair_of_eyes(owner: ControlDb, control: ControlDb, planned: Planned) -> None:
    with pytest.raises(Refused, match="casegold_platform is the platform's own login"):
        approvals.approve(control, *planned)
    assert refused_attempts(control, control) == [
        ("approve", "casegold_platform is the platform's own login and stands for nobody")
    ]
    with pytest.raises(CheckViolation, match="stands for nobody"):
        execute(
            owner,
            "insert into backfill_approval (backfill_run_id, level, login, person, plan_digest)"
            " values (%s, 1, 'bob', 'bob', %s)",
            planned,
        )
    with pytest.raises(CheckViolation, match="approval of level"):
        execute(owner, "update backfill_request set state = 'APPROVED'")
    with pytest.raises(CheckViolation, match="no step leads from PLANNED to EXECUTING"):
        execute(owner, "update backfill_request set state = 'EXECUTING'")
    for name in ("casegold", "dagster-ui"):
        with pytest.raises(CheckViolation):
            execute(owner, "insert into person_login (login, person) values (%s, 'machine')", (name,))


def test_the_owner_puts_on_a_persons_login(
    owner: ControlDb, control: ControlDb, bob: ControlDb, planned: Planned
) -> None:
    """A superuser can take any session_user; what he logged in as, he cannot change."""
    with owner.write("by a test") as connection:
        connection.execute(f"set session authorization {login_of(bob)}")
        (answer,) = connection.execute("select * from backfill_approve(%s, %s)", planned).fetchall()
    assert not answer["accepted"]
    assert answer["message"] == f"casegold logged in and acts as {login_of(bob)}"
    entry = approvals.audit(control, planned[0], 1)[0]
    assert (entry.step, entry.actor, entry.authenticated_as) == ("REFUSED", login_of(bob), "scram-sha-256:casegold")


def test_a_person_who_was_made_a_superuser_counts_as_the_platform(
    owner: ControlDb, bob: ControlDb, planned: Planned
) -> None:
    execute(owner, f"alter role {login_of(bob)} superuser")
    with pytest.raises(Refused, match="stands for nobody"):
        approvals.approve(bob, *planned)


def test_an_old_snapshot_does_not_decide(bob: ControlDb, planned: Planned) -> None:
    with psycopg.connect(bob.url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (answer,) = connection.execute("select message from backfill_approve(%s, %s)", planned).fetchall()
    assert answer[0] == "rules are judged in read committed transactions only"


def test_a_refused_attempt_that_is_rolled_back_stays_in_the_servers_log(
    servers_log: Path, bob: ControlDb, control: ControlDb, planned: Planned
) -> None:
    with psycopg.connect(bob.url) as connection:
        connection.execute("set client_min_messages = error")
        connection.execute("select backfill_approve(%s, %s)", (planned[0], OTHER_DIGEST))
        connection.rollback()
    assert refused_attempts(control, bob) == []
    with servers_log.open(encoding="utf-8") as log:
        lines = [line for line in log if f"{login_of(bob)} may not approve backfill" in line]
    assert len(lines) == 1
    assert planned[0] in lines[0]


def test_objects_of_the_callers_own_do_not_stand_in_for_the_platforms(
    bob: ControlDb, ann: ControlDb, requested: str
) -> None:
    """A temporary table or a search path of the caller's must not be read by functions that run as the owner."""
    with psycopg.connect(ann.url, autocommit=True) as connection:
        connection.execute("create temporary table person_login (login text, person text, removed_at timestamptz)")
        connection.execute("create temporary table approval_rule (dataset text, level smallint, role_name text)")
        connection.execute("insert into person_login values (session_user, 'zoe')")
        connection.execute("set search_path = pg_temp")
        connection.execute("select casegold.backfill_submit(%s, '{}')", (requested,))
    assert approvals.find(bob, requested).planned_person == "ann"


@pytest.mark.parametrize(
    ("first", "last", "mode", "reason"),
    [
        ("2026-01-31", "2026-01-01", "BACKFILL", "why"),
        ("2026-01-01", "infinity", "BACKFILL", "why"),
        ("2026-01-01", None, "BACKFILL", "why"),
        ("2026-01-01", "2026-01-31", "NORMAL", "why"),
        ("2026-01-01", "2026-01-31", None, "why"),
        ("2026-01-01", "2026-01-31", "BACKFILL", " "),
        ("2026-01-01", "2026-01-31", "BACKFILL", "x" * 2001),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_the_trail(
    control: ControlDb, ann: ControlDb, first: str, last: str | None, mode: str | None, reason: str
) -> None:
    with ann.write("by a test") as connection:
        statement = "select * from backfill_ask(%s, %s, %s, %s, %s)"
        (answer,) = connection.execute(statement, (SNAPSHOT, first, last, mode, reason)).fetchall()
    assert not answer["accepted"]
    assert len(refused_attempts(control, ann)) == 1
    assert approvals.requests(control, 10) == []


@pytest.mark.parametrize("plan", [None, "[]", "7", "null", '{"pad": "' + "x" * 4_000_000 + '"}'])
def test_a_plan_that_cannot_be_is_refused_in_the_trail(
    control: ControlDb, ann: ControlDb, requested: str, plan: str | None
) -> None:
    with ann.write("by a test") as connection:
        (answer,) = connection.execute("select * from backfill_submit(%s, %s)", (requested, plan)).fetchall()
    assert not answer["accepted"]
    assert [attempt for attempt, _ in refused_attempts(control, ann)] == ["plan"]
    assert state_of(control, requested) == "REQUESTED"


def test_ids_of_nothing(control: ControlDb, ann: ControlDb, bob: ControlDb) -> None:
    with pytest.raises(Refused, match="there is no such request"):
        approvals.approve(bob, "bf_none", OTHER_DIGEST)
    with pytest.raises(Refused, match="there is no such request"):
        approvals.begin(control, "bf_none", OTHER_DIGEST)
    with pytest.raises(Refused, match="there is no such waiver"):
        approvals.approve_waiver(bob, 1)
    with pytest.raises(Refused, match="no role that may request backfills of gold/none"):
        approvals.request(ann, "gold/none", JANUARY, "BACKFILL", "why")
    assert [row.step for row in approvals.audit(control, None, 10)] == ["REFUSED"] * 3


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("table", ["backfill_audit", "waiver_audit", "backfill_approval", "backfill_request"])
def test_the_trail_is_not_changed_by_the_platform_either(owner: ControlDb, table: str) -> None:
    change = "backfill_run_id = null" if table == "backfill_audit" else "person = 'x'"
    if table == "backfill_request":
        change = "reason = 'x'"
    statements = [f"truncate {table} cascade", "truncate backfill_request cascade"]
    if table != "waiver_audit":
        statements += [f"update {table} set {change}", f"delete from {table}"]  # noqa: S608
    for statement in statements:
        with pytest.raises(Error, match=r"insert-only|never rewritten"):
            execute(owner, statement)
    with pytest.raises(Error, match=r"insert-only|never rewritten"):
        execute(owner, f"set session_replication_role = replica; {statements[-1]}")


def test_an_audit_row_says_who_wrote_it_whatever_it_claims(
    owner: ControlDb, control: ControlDb, requested: str
) -> None:
    execute(
        owner,
        "insert into backfill_audit (backfill_run_id, step, actor, person, at)"
        " values (%s, 'APPROVED', 'bob', 'bob', '2000-01-01')",
        (requested,),
    )
    entry = approvals.audit(control, requested, 1)[0]
    assert (entry.actor, entry.person) == ("casegold", None)
    assert entry.at.year > 2000
