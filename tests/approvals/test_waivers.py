"""Waivers under the same four eyes."""

from __future__ import annotations

import pytest
from psycopg.errors import CheckViolation, RestrictViolation

from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.control.versions import holds
from casegold.domain.errors import Refused
from casegold.domain.sql import query
from tests.approvals.conftest import JANUARY, SNAPSHOT, STEWARD, People, events, execute, login_of


@pytest.fixture
def waiver(ann: ControlDb) -> int:
    answer = approvals.request_waiver(ann, SNAPSHOT, JANUARY, "completeness", "the source lost its counts")
    return int(answer.subject)


def in_force(control: ControlDb) -> list[int]:
    with control.write("by a test") as connection:
        return holds.waivers(connection, SNAPSHOT, JANUARY)


def test_a_waiver_is_in_force_once_another_person_approved_it(
    control: ControlDb, ann: ControlDb, bob: ControlDb, waiver: int
) -> None:
    assert in_force(control) == []
    assert approvals.approve_waiver(bob, waiver).state == "APPROVED"
    assert in_force(control) == [waiver]
    rows = control.rows(query("casegold.jobs", "gate_waivers"), {"waivers": [waiver]})
    assert [row["check_name"] for row in rows] == ["completeness"]
    (found,) = approvals.waivers(bob, 10)
    assert (found.requested_person, found.approved_person) == ("ann", "bob")
    assert events(control, f"waiver_{waiver}") == ["WaiverRequested", "WaiverApproved"]
    trail = [(entry.step, entry.actor) for entry in reversed(approvals.waiver_audit(bob, waiver, 10))]
    assert trail == [("REQUESTED", login_of(ann)), ("APPROVED", login_of(bob))]


def test_it_is_not_approved_by_who_asked_nor_twice_nor_by_the_platform(
    control: ControlDb, folk: People, ann: ControlDb, bob: ControlDb, cleo: ControlDb, waiver: int
) -> None:
    ann_too = folk.add("second", STEWARD, person="ann")
    for person, why in (
        (ann, "no role that may approve"),
        (ann_too, "ann asked for it"),
        (cleo, "no role that may approve"),
        (control, "stands for nobody"),
    ):
        with pytest.raises(Refused, match=why):
            approvals.approve_waiver(person, waiver)
    assert in_force(control) == []
    approvals.approve_waiver(bob, waiver)
    with pytest.raises(Refused, match="bob has approved it already"):
        approvals.approve_waiver(folk.add("eve", STEWARD), waiver)
    assert [entry.step for entry in approvals.waiver_audit(bob, waiver, 10)].count("REFUSED") == 5


def test_the_platform_neither_asks_nor_approves_nor_rewrites(
    owner: ControlDb, control: ControlDb, bob: ControlDb, waiver: int
) -> None:
    with pytest.raises(Refused, match="stands for nobody"):
        approvals.request_waiver(control, SNAPSHOT, JANUARY, "completeness", "why")
    for statement, error in (
        (
            "insert into waiver (dataset, partition_from, partition_to, check_name, reason)"
            " select dataset, partition_from, partition_to, check_name, reason from waiver",
            CheckViolation,
        ),
        ("update waiver set approved_by = 'bob', approved_person = 'bob', approved_at = now()", CheckViolation),
        ("update waiver set partition_to = '2030-01-01'", RestrictViolation),
        ("delete from waiver", RestrictViolation),
        ("truncate waiver cascade", RestrictViolation),
    ):
        with pytest.raises(error):
            execute(owner, statement)
    approvals.approve_waiver(bob, waiver)
    with pytest.raises(CheckViolation, match="stands for nobody"):
        execute(owner, "update waiver set approved_by = null, approved_person = null, approved_at = null")


def test_a_waiver_that_cannot_be_is_refused_in_the_trail(control: ControlDb, ann: ControlDb) -> None:
    with pytest.raises(Refused, match="violates check constraint"):
        approvals.request_waiver(ann, SNAPSHOT, JANUARY, "completeness", " ")
    (entry,) = approvals.waiver_audit(control, None, 10)
    assert (entry.subject, entry.step, entry.person) == (None, "REFUSED", "ann")
