"""Whoever rewrites history with a superuser's rights is shown by the chain, and by what announcements carried away."""

from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner

from casegold.cli.main import casegold
from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.control.integrity import audit_trail, standing_checks
from casegold.domain.errors import ExitClass
from casegold.runtime.settings import OWNER_URL, Settings
from casegold.runtime.shipped import REPOSITORY
from casegold.servers import dagster_home, local
from casegold.sink.relay import relay_once
from tests.approvals.conftest import PLAN, execute, login_of

Planned = tuple[str, str]
DISABLED = (
    "alter table audit_link disable trigger user",
    "alter table backfill_audit disable trigger user",
    "alter table backfill_approval disable trigger user",
    "alter table backfill_request disable trigger user",
    "alter table person_login disable trigger user",
)


def tampered(owner: ControlDb, *statements: str) -> None:
    """A superuser without triggers in his way, which he puts back afterwards."""
    with owner.write("by a test") as connection:
        for statement in (*DISABLED, *statements, *(each.replace("disable", "enable") for each in DISABLED)):
            connection.execute(statement)


def problems(control: ControlDb) -> list[tuple[str, str]]:
    return [(each.source, each.problem) for each in audit_trail.breaks(control, 100)]


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("statement", "source", "problem"),
    [
        (
            "update backfill_audit set person = 'zoe' where step = 'APPROVED'",
            "backfill_audit",
            "changed without a link: person",
        ),
        ("delete from backfill_audit where step = 'PLANNED'", "backfill_audit", "the row is gone"),
        ("update backfill_approval set person = 'zoe'", "backfill_approval", "changed without a link: person"),
        ("delete from backfill_approval", "backfill_approval", "the row is gone"),
        ("update backfill_request set plan = '{}'", "backfill_request", "the plan is not what its digest says"),
        (
            "update person_login set person = 'zoe' where person = 'ann'",
            "person_login",
            "changed without a link: person",
        ),
        ("insert into person_login (login, person) values ('zoe', 'zoe')", "person_login", "came about without a link"),
        ("delete from audit_link where sequence = 3", "", "links before it are missing"),
        ("update audit_link set actor = 'zoe' where sequence = 3", "", "not what its digest says"),
        (
            'update audit_link set content = content || \'{"person": "zoe"}\' where sequence = 3',
            "",
            "not what its digest says",
        ),
        ("delete from audit_link where sequence > 3", "backfill_audit", "came about without a link"),
    ],
)
def test_a_rewritten_row_shows(owner: ControlDb, control: ControlDb, statement: str, source: str, problem: str) -> None:
    assert problems(control) == []
    tampered(owner, statement)
    assert any((not source or found == source) and problem in said for found, said in problems(control))
    answer = standing_checks.ask(control, standing_checks.AUDIT_TRAIL)
    assert answer.count >= 1
    assert standing_checks.AUDIT_TRAIL.urgent


REWRITTEN = """
do $$
declare
    link audit_link;
    last text := repeat('0', 64);
begin
    update backfill_approval set person = 'zoe';
    update audit_link set content = content || '{"person": "zoe"}' where source = 'backfill_approval';
    for link in select * from audit_link order by sequence loop
        link.previous := last;
        last := audit_digest(link);
        update audit_link l set previous = link.previous, digest = last where l.sequence = link.sequence;
    end loop;
end $$
"""


def verify(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(casegold, ["audit", "verify", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def relay(settings: Settings, control: ControlDb) -> None:
    while relay_once(control, settings.kafka_config(), settings.outbox_topic_prefix):
        pass


def test_a_chain_that_is_written_anew_contradicts_what_was_announced(
    settings: Settings, owner: ControlDb, control: ControlDb, ann: ControlDb, approved: Planned
) -> None:
    approvals.begin(control, *approved)
    approvals.cancel(ann, approved[0], "enough")
    relay(settings, control)
    code, said = verify()
    assert (code, "the trail is intact" in said) == (0, True)
    assert "announcements carry a head" in said
    kept = audit_trail.head(control)
    tampered(owner, REWRITTEN)
    assert problems(control) == [], "the database alone cannot tell"
    code, said = verify()
    assert code == int(ExitClass.BUG)
    assert f"{settings.outbox_topic_prefix}backfill[0]@" in said
    assert verify("--without-kafka")[0] == 0
    code, said = verify("--without-kafka", "--kept", str(kept.sequence), kept.digest)
    assert (code, "not the one that you kept" in said) == (int(ExitClass.BUG), True)


def test_announcements_carry_a_head_that_was_there(settings: Settings, control: ControlDb, approved: Planned) -> None:
    heads = control.rows("select audit_sequence as sequence, audit_digest as digest from outbox order by position")
    assert len(heads) >= 4
    assert audit_trail.contradicted(control, [audit_trail.Head(**row) for row in heads]) == []
    assert audit_trail.contradicted(control, [audit_trail.Head(1, "f" * 64)]) == [audit_trail.Head(1, "f" * 64)]
    assert approvals.find(control, approved[0]).state == "APPROVED"
    assert settings.announcement_topics()


def test_the_head_is_printed(control: ControlDb) -> None:
    last = audit_trail.head(control)
    assert CliRunner().invoke(casegold, ["audit", "head"]).output == f"{last.sequence} {last.digest}\n"


def test_an_auditor_needs_nothing_but_sql(ann: ControlDb, planned: Planned) -> None:
    """The statement of docs/security.md, over the login of a person."""
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    statement = text.partition("```sql\n")[2].partition("```")[0]
    assert "from casegold.audit_link" in statement
    with psycopg.connect(ann.url) as connection:
        assert connection.execute(statement.partition(";")[0]).rowcount <= 0
        assert connection.execute(statement.partition(";")[2].replace("<>", "=")).rowcount >= 4
        assert connection.execute(statement.partition(";")[2]).fetchall() == []
    assert planned


def test_a_column_that_comes_later_is_no_change(owner: ControlDb, control: ControlDb, approved: Planned) -> None:
    execute(owner, "alter table backfill_approval add column later text default 'x'")
    assert problems(control) == []
    assert approvals.find(control, approved[0]).state == "APPROVED"


def test_rules_that_stay_as_they_are_make_no_link(database: Settings, owner: ControlDb, control: ControlDb) -> None:
    local.prepare_database(database)
    before = audit_trail.head(control)
    local.prepare_database(database)
    assert audit_trail.head(control) == before
    execute(owner, "update approval_rule set role_name = 'casegold_reader' where level = 1")
    changed = audit_trail.head(control).sequence
    local.prepare_database(database)
    assert audit_trail.head(control).sequence == changed + (changed - before.sequence)
    assert problems(control) == []


def test_every_step_of_a_person_is_linked(owner: ControlDb, control: ControlDb, ann: ControlDb) -> None:
    before = audit_trail.head(control).sequence
    people.remove(owner, login_of(ann))
    rows = control.rows(
        "select source, content ->> 'removed_by' as by from audit_link where sequence > %(s)s", {"s": before}
    )
    assert [(row["source"], row["by"]) for row in rows] == [("person_login", "casegold")]


def test_processes_of_the_platform_do_not_get_the_owners_address(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OWNER_URL, "postgresql://o:secret@127.0.0.1/x")
    given = dagster_home.process_environment(database)
    assert OWNER_URL not in given
    assert "secret" not in " ".join([*given.values(), *dagster_home.environment(database).values()])


def test_a_plan_of_four_megabytes_is_no_part_of_the_chain(control: ControlDb, ann: ControlDb, requested: str) -> None:
    approvals.submit(ann, requested, {**PLAN, "pad": "x" * 3_000_000})
    (row,) = control.rows("select max(octet_length(content::text)) as longest from audit_link")
    assert row["longest"] < 10_000
    assert problems(control) == []
