"""The retry policy: its table, and the control database against a plain count of ended attempts."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from casegold.control.db import ControlDb
from casegold.control.model import Attempt, Claim, ManifestRequest, Mode, Pipeline, RunState
from casegold.control.runs import attempts, interventions, manifests, retry
from casegold.control.runs.retry import History, after, after_failed_launch, class_of_loss
from casegold.domain.errors import Deferred, ExitClass

RUN = "a" * 64


@pytest.mark.parametrize(
    ("exit_class", "first", "last"),
    [
        (ExitClass.SUCCESS, RunState.SUCCEEDED, RunState.SUCCEEDED),
        (ExitClass.VALIDATION_FAILED, RunState.HELD, RunState.HELD),
        (ExitClass.SOURCE_UNAVAILABLE, RunState.OPEN, RunState.FAILED),
        (ExitClass.COMMIT_UNKNOWN, RunState.OPEN, RunState.FAILED),
        (ExitClass.CONFIGURATION, RunState.FAILED, RunState.FAILED),
        (ExitClass.BUG, RunState.FAILED, RunState.FAILED),
    ],
)
def test_the_table(exit_class: ExitClass, first: RunState, last: RunState) -> None:
    assert after(exit_class, RUN, History(1, 0, 0)).state is first
    assert after(exit_class, RUN, History(35, 0, 0)).state is last
    assert retry.RULES[exit_class].retried is (first is RunState.OPEN)
    assert retry.RULES[exit_class].person


def test_every_exit_class_has_its_rule() -> None:
    assert set(retry.RULES) == set(ExitClass)


@given(run_id=st.text("0123456789abcdef", min_size=64, max_size=64), failed=st.integers(1, 34))
def test_pauses_grow_within_their_bounds_and_are_the_same_when_asked_again(run_id: str, failed: int) -> None:
    rule = retry.RULES[ExitClass.SOURCE_UNAVAILABLE]
    pause = rule.pause(run_id, failed)
    whole = min(60.0, 5.0 * 2 ** (failed - 1))
    assert whole / 2 < pause <= whole
    assert pause == rule.pause(run_id, failed)
    assert after_failed_launch(run_id, History(0, 0, failed)).pause_seconds == pause


def test_runs_that_fail_together_do_not_come_back_together() -> None:
    pauses = {retry.AWAY.pause(f"{run:064x}", 5) for run in range(50)}
    assert len(pauses) == 50
    assert max(pauses) - min(pauses) > 20


def test_the_sixth_death_in_a_row_is_a_bug() -> None:
    assert [int(class_of_loss(History(9, lost, 0))) for lost in (1, 2, 5, 6, 7)] == [20, 20, 20, 50, 50]


def test_after_an_outage_the_work_waits_for_a_minute_at_most() -> None:
    """All due work must be published within three minutes of the last fault: a pause must leave time for the work."""
    pauses = [after(ExitClass.SOURCE_UNAVAILABLE, RUN, History(failed, 0, 0)).pause_seconds for failed in range(1, 35)]
    assert max(pauses) <= 60
    assert 15 * 60 < sum(pauses) < 31.5 * 60


# ------------------------------------------------------------------------------------------------ as recorded

End = Callable[[ControlDb, Attempt], None]


def begun(control: ControlDb, attempt: Attempt) -> Claim:
    return attempts.start(control, attempt.run_id, attempt.attempt, "a test")


def fails(control: ControlDb, attempt: Attempt) -> None:
    attempts.finish(control, begun(control, attempt), ExitClass.SOURCE_UNAVAILABLE, "away", {"error": "away"})


def commit_unknown(control: ControlDb, attempt: Attempt) -> None:
    attempts.finish(control, begun(control, attempt), ExitClass.COMMIT_UNKNOWN, "unknown", {"error": "unknown"})


def deferred(control: ControlDb, attempt: Attempt) -> None:
    attempts.defer(control, begun(control, attempt), "nothing to do")


def never_begun(control: ControlDb, attempt: Attempt) -> None:
    with control.write("by a test") as connection:
        attempts.fail_launch(connection, attempt, "no launcher")


def dies(control: ControlDb, attempt: Attempt) -> None:
    begun(control, attempt)
    with control.write("by a test") as connection:
        connection.execute("update dataset_claim set heartbeat_at = heartbeat_at - interval '1 hour'")


def found_by_the_planner(control: ControlDb, attempt: Attempt) -> None:
    dies(control, attempt)
    with control.write("by a test") as connection:
        assert attempts.reap(connection) == 1


def found_by_takeover(control: ControlDb, attempt: Attempt) -> None:
    """Start another run of the dataset, in another mode."""
    dies(control, attempt)
    other = asked(control, attempt.dataset, Mode.SHADOW, scope=attempt.attempt)
    assert other is not None
    attempts.defer(control, begun(control, other), "only to take over")


ENDS: dict[str, End] = {
    "failed": fails,
    "unknown": commit_unknown,
    "deferred": deferred,
    "never begun": never_begun,
    "lost": found_by_the_planner,
    "taken over": found_by_takeover,
}


def _asked_for(control: ControlDb, dataset: str) -> Attempt:
    attempt = asked(control, dataset)
    assert attempt is not None
    return attempt


def asked(control: ControlDb, dataset: str, mode: Mode = Mode.NORMAL, scope: int = 0) -> Attempt | None:
    """The next attempt, without the pause."""
    wanted = ManifestRequest(Pipeline.SNAPSHOT, dataset, {"seq": scope}, "1", "test", mode=mode)
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set not_before = '-infinity'")
        manifest = manifests.request(connection, wanted)
        assert manifest is not None
        return attempts.next_attempt(connection, manifest.run_id, "test")


def expected(ends: list[str]) -> int:
    """A plain count: after how many of these ends the manifest fails; their number if it does not."""
    failed = lost = launches = 0
    for number, end in enumerate(ends, 1):
        failed += end in {"failed", "unknown", "lost", "taken over"}
        lost = 0 if end in {"failed", "unknown"} else lost + (end in {"lost", "taken over"})
        launches = launches + 1 if end == "never begun" else 0
        if failed == 35 or lost == 6 or launches == 35:
            return number
    return len(ends) + 1


# Repeated ends, so that the limits are reached.
runs_of_ends = st.lists(st.tuples(st.sampled_from(sorted(ENDS)), st.integers(1, 12)), min_size=1, max_size=10)


@hypothesis_settings(max_examples=25)
@given(runs=runs_of_ends)
def test_recorded_ends_fail_a_manifest_when_a_plain_count_says_so(
    control: ControlDb, runs: list[tuple[str, int]]
) -> None:
    ends = [end for end, times in runs for _ in range(times)]
    dataset = uuid4().hex
    for number, end in enumerate(ends, 1):
        attempt = asked(control, dataset)
        assert (attempt is None) == (number > expected(ends)), (number, end)
        if attempt is None:
            return
        assert attempt.attempt == number
        ENDS[end](control, attempt)


@pytest.mark.parametrize("loss", [found_by_the_planner, found_by_takeover])
def test_the_last_loss_in_a_row_ends_the_manifest_whoever_finds_it(control: ControlDb, loss: End) -> None:
    for _ in range(retry.LOST_IN_A_ROW):
        attempt = asked(control, "d")
        assert attempt is not None
        loss(control, attempt)
    assert asked(control, "d") is None
    rows = control.rows(
        "select m.state, a.exit_class, m.outcome ->> 'error' as error from run_manifest m join run_attempt a"
        " using (run_id) where m.mode = 'NORMAL' order by a.attempt"
    )
    assert [row["exit_class"] for row in rows] == [20, 20, 20, 20, 20, 50]
    assert rows[0]["state"] == "FAILED"
    assert "6 times in a row" in rows[0]["error"]


def test_a_persons_retry_begins_to_count_anew(control: ControlDb) -> None:
    for _ in range(2):
        attempts = []
        for _ in range(retry.LOST_IN_A_ROW):
            attempts.append(_asked_for(control, "d"))
            found_by_the_planner(control, attempts[-1])
        assert asked(control, "d") is None
        with control.write("by a test") as connection:
            interventions.retry(connection, attempts[-1].run_id, "ann", "mended")
    rows = control.rows("select decision, after_attempt, person, reason from run_decision order by decision_id")
    assert [tuple(row.values()) for row in rows] == [("RETRY", 6, "ann", "mended"), ("RETRY", 12, "ann", "mended")]


def test_a_failed_attempt_waits_for_its_pause(control: ControlDb) -> None:
    attempt = asked(control, "d")
    assert attempt is not None
    fails(control, attempt)
    with control.write("by a test") as connection:
        assert attempts.next_attempt(connection, attempt.run_id, "test") is None
    row = control.rows("select extract(epoch from not_before - ended_at)::float8 as pause from run_attempt")[0]
    assert row["pause"] == pytest.approx(retry.AWAY.pause(attempt.run_id, 1), abs=0.5)


def test_an_attempt_of_an_ended_manifest_does_not_begin(control: ControlDb) -> None:
    attempt = asked(control, "d")
    assert attempt is not None
    assert asked(control, "d", scope=1) is not None
    with pytest.raises(Deferred, match="SUPERSEDED"):
        begun(control, attempt)
