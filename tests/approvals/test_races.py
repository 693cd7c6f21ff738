"""Two at once, over real connections: the row's lock decides, and the second judges what the first left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.domain.errors import Refused
from tests.approvals.conftest import STEWARD, People, any_value, events, steps

Planned = tuple[str, str]
Step = Callable[[], approvals.Answer]


def at_once(*attempts: Step) -> list[str]:
    """What became of each: the state it led to, or REFUSED."""
    gate = threading.Barrier(len(attempts))

    def run(attempt: Step) -> str:
        gate.wait()
        try:
            return attempt().state
        except Refused:
            return "REFUSED"

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


@contextmanager
def locked(owner: ControlDb, backfill_run_id: str) -> Iterator[None]:
    """Hold the row until all who came in the block wait for it: they meet there, not at the start line."""
    with owner.write("by a test") as connection:
        connection.execute("select from backfill_request where backfill_run_id = %s for update", (backfill_run_id,))
        yield


def wait_for_waiters(owner: ControlDb, count: int) -> None:
    waiting = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock' and query ~ 'backfill_'"
    )
    deadline = time.monotonic() + 20
    while any_value(owner, waiting) < count:
        assert time.monotonic() < deadline, "they do not meet"
        threading.Event().wait(0.01)


def meeting(owner: ControlDb, backfill_run_id: str, *attempts: Step) -> list[str]:
    """As `at_once`, all of them waiting for the row's lock before one gets it."""
    with ThreadPoolExecutor(1) as pool:
        with locked(owner, backfill_run_id):
            became = pool.submit(at_once, *attempts)
            wait_for_waiters(owner, len(attempts))
        return became.result()


def test_two_approvers(owner: ControlDb, control: ControlDb, folk: People, bob: ControlDb, planned: Planned) -> None:
    eve = folk.add("eve", STEWARD)
    became = meeting(
        owner, planned[0], lambda: approvals.approve(bob, *planned), lambda: approvals.approve(eve, *planned)
    )
    assert sorted(became) == ["APPROVED", "REFUSED"]
    assert any_value(control, "select count(*) from backfill_approval") == 1
    assert sorted(steps(control, planned[0])[2:]) == ["APPROVAL_GIVEN", "APPROVED", "REFUSED"]


def test_one_approver_twice_over_two_connections(owner: ControlDb, bob: ControlDb, planned: Planned) -> None:
    became = meeting(owner, planned[0], *[lambda: approvals.approve(bob, *planned)] * 4)
    assert sorted(became) == ["APPROVED", "REFUSED", "REFUSED", "REFUSED"]


def test_both_levels_at_once_end_approved(
    owner: ControlDb, control: ControlDb, bob: ControlDb, cleo: ControlDb, planned: Planned
) -> None:
    with owner.write("by a test") as connection:
        # A rule that needs no published partition: what matters here is who sees whose approval.
        connection.execute("alter table approval_rule drop constraint approval_rule_above_partitions_check")
        connection.execute("update approval_rule set above_partitions = -1 where level = 2")
    became = meeting(
        owner, planned[0], lambda: approvals.approve(bob, *planned), lambda: approvals.approve(cleo, *planned)
    )
    assert sorted(became) == ["APPROVED", "PLANNED"], "whoever comes second sees the first"
    assert approvals.find(control, planned[0]).state == "APPROVED"


def test_approve_and_cancel(
    owner: ControlDb, control: ControlDb, ann: ControlDb, bob: ControlDb, planned: Planned
) -> None:
    became = meeting(
        owner, planned[0], lambda: approvals.approve(bob, *planned), lambda: approvals.cancel(ann, planned[0], "no")
    )
    assert became in (["APPROVED", "CANCELLED"], ["REFUSED", "CANCELLED"])
    assert approvals.find(control, planned[0]).state == "CANCELLED"
    with pytest.raises(Refused, match="CANCELLED"):
        approvals.begin(control, *planned)


def test_begin_and_cancel(owner: ControlDb, control: ControlDb, ann: ControlDb, approved: Planned) -> None:
    became = meeting(
        owner,
        approved[0],
        lambda: approvals.begin(control, *approved),
        lambda: approvals.cancel(ann, approved[0], "no"),
    )
    trail = steps(control, approved[0])[4:]
    assert (became, trail) in (
        (["EXECUTING", "CANCELLED"], ["EXECUTING", "CANCELLED"]),
        (["REFUSED", "CANCELLED"], ["CANCELLED", "REFUSED"]),
    )
    assert events(control, approved[0])[-1] == "BackfillCancelled"


def test_it_is_begun_once(owner: ControlDb, control: ControlDb, approved: Planned) -> None:
    became = meeting(owner, approved[0], *[lambda: approvals.begin(control, *approved)] * 4)
    assert sorted(became) == ["EXECUTING", "REFUSED", "REFUSED", "REFUSED"]


def test_reject_and_approve(
    owner: ControlDb, control: ControlDb, folk: People, bob: ControlDb, planned: Planned
) -> None:
    eve = folk.add("eve", STEWARD)
    became = meeting(
        owner, planned[0], lambda: approvals.approve(bob, *planned), lambda: approvals.reject(eve, planned[0], "no")
    )
    assert sorted(became) in (["APPROVED", "REFUSED"], ["REFUSED", "REJECTED"])
    assert approvals.find(control, planned[0]).state in became
