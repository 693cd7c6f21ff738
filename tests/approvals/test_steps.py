"""The road of a request: who signs which step, what the trail and the outbox have of it."""

from __future__ import annotations

import hashlib

import pytest

from casegold.control.changes import approvals, backfill_requests
from casegold.control.db import ControlDb
from casegold.domain.errors import Refused
from tests.approvals.conftest import (
    JANUARY,
    OFFICER,
    PLAN,
    SNAPSHOT,
    STEWARD,
    People,
    Publish,
    any_value,
    events,
    execute,
    login_of,
    steps,
)


def test_from_request_to_completion_every_step_is_signed_and_announced(
    control: ControlDb, ann: ControlDb, bob: ControlDb, requested: str
) -> None:
    digest = approvals.submit(ann, requested, PLAN)
    assert approvals.approve(bob, requested, digest).state == "APPROVED"
    assert approvals.begin(control, requested, digest).state == "EXECUTING"
    assert approvals.pause(bob, requested, "load").state == "PAUSED"
    assert approvals.resume(ann, requested, "load is gone").state == "EXECUTING"
    assert approvals.end(control, requested, succeeded=True, reason="31 partitions").state == "COMPLETED"
    trail = [(entry.step, entry.actor, entry.person) for entry in reversed(approvals.audit(control, requested, 100))]
    assert trail == [
        ("REQUESTED", login_of(ann), "ann"),
        ("PLANNED", login_of(ann), "ann"),
        ("APPROVAL_GIVEN", login_of(bob), "bob"),
        ("APPROVED", login_of(bob), "bob"),
        ("EXECUTING", "casegold_platform", None),
        ("PAUSED", login_of(bob), "bob"),
        ("RESUMED", login_of(ann), "ann"),
        ("COMPLETED", "casegold_platform", None),
    ]
    assert events(control, requested) == [
        "BackfillRequested",
        "BackfillPlanned",
        "BackfillApprovalGiven",
        "BackfillApproved",
        "BackfillStarted",
        "BackfillPaused",
        "BackfillResumed",
        "BackfillCompleted",
    ]


def test_the_digest_is_made_of_the_plan_by_the_database(control: ControlDb, ann: ControlDb, requested: str) -> None:
    digest = approvals.submit(ann, requested, {"b": 1, "a": [2.50, None, "ü"]})
    text = any_value(control, "select plan::text from backfill_request")
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    assert text == '{"a": [2.5, null, "ü"], "b": 1}'


def test_the_trail_tells_how_the_server_knew_the_actor(control: ControlDb, ann: ControlDb, requested: str) -> None:
    (entry,) = approvals.audit(control, requested, 10)
    assert entry.authenticated_as == f"scram-sha-256:{login_of(ann)}"


def test_what_the_platform_asks_for_is_planned_by_one_person_and_approved_by_another(
    control: ControlDb, ann: ControlDb, bob: ControlDb
) -> None:
    with control.write("by a test") as connection:
        assert backfill_requests.ask(connection, SNAPSHOT, JANUARY, "31 dates, more than automatic")
    (found,) = approvals.requests(bob, 10)
    assert (found.requested_by, found.requested_person) == ("casegold_platform", None)
    with pytest.raises(Refused, match="PLANNED"):
        approvals.approve(bob, found.backfill_run_id, "0" * 64)
    digest = approvals.submit(ann, found.backfill_run_id, PLAN)
    assert approvals.approve(bob, found.backfill_run_id, digest).state == "APPROVED"


def test_a_no_is_not_asked_again(control: ControlDb, ann: ControlDb, bob: ControlDb) -> None:
    def ask(reason: str) -> bool:
        with control.write("by a test") as connection:
            return backfill_requests.ask(connection, SNAPSHOT, JANUARY, reason)

    assert ask("facts up to 7")
    (found,) = approvals.requests(control, 10)
    approvals.reject(bob, found.backfill_run_id, "the source will correct it")
    assert not ask("facts up to 7")
    assert ask("facts up to 8"), "another reason is another question"
    (found,) = approvals.requests(control, 10)
    approvals.cancel(ann, found.backfill_run_id, "a mistake")
    assert ask("facts up to 8"), "to cancel is no answer"


def test_many_published_partitions_need_a_second_level(
    owner: ControlDb, control: ControlDb, publish: Publish, bob: ControlDb, cleo: ControlDb, planned: tuple[str, str]
) -> None:
    publish(31)
    assert approvals.find(bob, planned[0]).missing_levels == [1]
    execute(owner, "update approval_rule set above_partitions = 30 where level = 2")
    assert approvals.find(bob, planned[0]).missing_levels == [1, 2]
    answer = approvals.approve(cleo, *planned)
    assert (answer.state, answer.message) == ("PLANNED", "approval of level 1 is missing")
    with pytest.raises(Refused, match="is PLANNED, not APPROVED"):
        approvals.begin(control, *planned)
    assert approvals.approve(bob, *planned).state == "APPROVED"
    assert steps(control, planned[0])[2:] == ["APPROVAL_GIVEN", "REFUSED", "APPROVAL_GIVEN", "APPROVED"]


def test_one_person_with_both_roles_gives_one_level_only(
    owner: ControlDb, folk: People, publish: Publish, planned: tuple[str, str]
) -> None:
    publish(31)
    execute(owner, "update approval_rule set above_partitions = 30 where level = 2")
    dora, dora_too = folk.add("dora", STEWARD), folk.add("dora", OFFICER)
    execute(owner, f"grant casegold_officer to {login_of(dora)}")
    assert approvals.approve(dora, *planned).state == "PLANNED"
    for again in (dora, dora_too):
        with pytest.raises(Refused, match="dora has approved it already"):
            approvals.approve(again, *planned)


def test_a_cancelled_execution_can_not_be_ended_as_a_success(
    control: ControlDb, bob: ControlDb, approved: tuple[str, str]
) -> None:
    approvals.begin(control, *approved)
    approvals.cancel(bob, approved[0], "wrong month")
    with pytest.raises(Refused, match="CANCELLED"):
        approvals.end(control, approved[0], succeeded=True, reason="done")


@pytest.mark.usefixtures("requested")
def test_the_same_range_is_asked_for_once(ann: ControlDb) -> None:
    with pytest.raises(Refused, match="open request"):
        approvals.request(ann, SNAPSHOT, JANUARY, "BACKFILL", "again")
