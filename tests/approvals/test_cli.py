"""The commands: who is asked for what, what is printed, and how a refusal ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from psycopg import sql

from casegold.cli.main import casegold
from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.domain.errors import CasegoldError, ConfigurationError, ExitClass, Refused
from tests.approvals.conftest import JANUARY, PASSWORD, PLAN, SNAPSHOT, any_value, steps

Say = Callable[..., Result]


def call(*arguments: object, typed: str | None = None, **variables: str) -> Result:
    """`casegold ARGUMENTS`; an error of ours is raised."""
    result = CliRunner().invoke(casegold, [str(each) for each in arguments], input=typed, env=variables)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def users(owner: ControlDb) -> Iterator[dict[str, str]]:
    """Ann, Bob and Cleo, made by the command; their passwords by login."""
    made = {}
    for name, role in (("ann", "operator"), ("bob", "steward"), ("cleo", "officer")):
        login = f"{name}_{uuid4().hex[:8]}"
        made[login] = call("user", "add", login, "--role", f"casegold_{role}", "--person", name).stdout.strip()
    yield made
    with owner.write("by a test") as connection:
        for login in made:
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


def as_person(users: dict[str, str], name: str) -> Say:
    (login,) = [each for each in users if each.startswith(name)]

    def say(*arguments: object) -> Result:
        return call(*arguments, "--as", login, CASEGOLD_PERSON_PASSWORD=users[login])

    return say


def test_a_backfill_from_the_command_line(control: ControlDb, users: dict[str, str]) -> None:
    ann, bob = as_person(users, "ann"), as_person(users, "bob")
    made = ann("backfill", "request", SNAPSHOT, "2026-01", "2026-01-31", "--reason", "wrong levels").stdout
    wanted = made.split()[0]
    assert f"{wanted} is REQUESTED" in made
    assert "a plan" in call("backfill", "list").stdout
    found = approvals.find(control, wanted)
    (login,) = [each for each in users if each.startswith("ann")]
    digest = approvals.submit(ControlDb(person_url(control, login, users[login])), wanted, PLAN)
    shown = bob("backfill", "status", wanted[:12]).stdout
    assert digest in shown
    assert '"admitted_seq": 7' in shown
    assert "approval of level 1" in shown
    with pytest.raises(Refused, match="the digest of the plan is"):
        bob("backfill", "approve", wanted, "--digest", "0" * 12)
    assert bob("backfill", "approve", wanted, "--digest", "0").exit_code == 2
    assert "is APPROVED" in bob("backfill", "approve", wanted[:12], "--digest", digest[:12]).stdout
    ann("backfill", "cancel", wanted, "--reason", "not needed")
    assert "No backfill is waiting" in call("backfill", "list").stdout
    assert wanted[:11] in call("backfill", "list", "--all").stdout
    trail = bob("backfill", "audit", wanted).stdout
    assert "REFUSED" in trail
    assert "not needed" in trail
    assert steps(control, wanted)[-1] == "CANCELLED"
    assert found.reason == "wrong levels"


def person_url(control: ControlDb, login: str, password: str) -> str:
    before, _, after = control.url.partition("://")
    return f"{before}://{login}:{password}@{after.partition('@')[2]}"


def test_a_reason_cannot_show_an_approver_another_text(ann: ControlDb) -> None:
    reason = "[red]harmless[/] [/nothing] \x1b[2K\r\u202e"
    wanted = approvals.request(ann, SNAPSHOT, JANUARY, "BACKFILL", reason).subject
    approvals.submit(ann, wanted, {"note": "\x1b[2K\u202e"})
    for arguments in (("list",), ("status", wanted), ("audit", wanted)):
        shown = call("backfill", *arguments, COLUMNS="400").stdout
        assert "[red]harmless[/] [/nothing] \\u001b[2K\\u000d\\u202e" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_pause_resume_and_reject(control: ControlDb, users: dict[str, str], approved: tuple[str, str]) -> None:
    bob = as_person(users, "bob")
    approvals.begin(control, *approved)
    assert "is PAUSED" in bob("backfill", "pause", approved[0], "--reason", "load").stdout
    assert "somebody to resume it" in call("backfill", "list").stdout
    assert "is EXECUTING" in bob("backfill", "resume", approved[0], "--reason", "go on").stdout
    with pytest.raises(Refused, match="to reject it, it has to be REQUESTED or PLANNED"):
        bob("backfill", "reject", approved[0], "--reason", "late")


def test_a_waiver_from_the_command_line(users: dict[str, str]) -> None:
    ann, bob = as_person(users, "ann"), as_person(users, "bob")
    assert (
        "is REQUESTED"
        in ann("waiver", "request", SNAPSHOT, "completeness", "2026-01-05", "--reason", "counts are lost").stdout
    )
    assert ann("waiver", "request", SNAPSHOT, "beauty", "2026-01-05", "--reason", "x").exit_code == 2
    with pytest.raises(Refused, match="no role"):
        ann("waiver", "approve", 1)
    assert "is APPROVED" in bob("waiver", "approve", 1).stdout
    assert "completeness" in bob("waiver", "list").stdout
    assert "REFUSED" in call("waiver", "audit", 1).stdout


def test_who_gives_a_command_has_to_be_said(users: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="a person's") as refused:
        call("backfill", "cancel", "bf_1", "--reason", "x")
    assert "--as NAME" in refused.value.remedy
    login, password = next(iter(users.items()))
    assert call("backfill", "list", CASEGOLD_PERSON=login, CASEGOLD_PERSON_PASSWORD=password).exit_code == 0
    with pytest.raises(ConfigurationError, match="the password is wrong"):
        call("backfill", "list", "--as", login, CASEGOLD_PERSON_PASSWORD="another")
    with pytest.raises(ConfigurationError, match="there is no password for"):
        call("backfill", "list", "--as", login, PGPASSFILE="/dev/null")


def test_the_password_may_be_brought(users: dict[str, str]) -> None:
    login = f"kim_{uuid4().hex[:8]}"
    made = call("user", "add", login, "--role", "casegold_steward", "--password-stdin", typed=f"{PASSWORD}\n")
    users[login] = PASSWORD
    assert made.stdout == ""
    assert PASSWORD not in made.output
    assert call("backfill", "list", "--as", login, CASEGOLD_PERSON_PASSWORD=PASSWORD).exit_code == 0
    with pytest.raises(ConfigurationError, match="at least 12"):
        call("user", "add", "zoe", "--role", "casegold_reader", "--password-stdin", typed="short\n")


def test_users_are_listed_and_removed(control: ControlDb, users: dict[str, str]) -> None:
    listed = call("user", "list").stdout
    assert all(login in listed for login in users)
    login = next(iter(users))
    call("user", "remove", login)
    assert any_value(control, "select count(*) from person_login where removed_at is not null") == 1
    for arguments in (("user", "remove", login), ("user", "add", login, "--role", "casegold_king")):
        with pytest.raises(CasegoldError) as refused:
            call(*arguments)
        assert refused.value.exit_class is ExitClass.CONFIGURATION
        assert refused.value.remedy
