"""Retry and cancel: a person's decision is recorded, takes effect at once, and stays until the next decision."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event

import psycopg
import pytest

from casegold.control.db import ControlDb
from casegold.control.model import Attempt, Claim, ManifestRequest, Pipeline, RunManifest, RunState
from casegold.control.runs import attempts, claims, interventions, manifests
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass
from casegold.jobs import batch_job


def asked(control: ControlDb, scope: int = 0) -> tuple[RunManifest, Attempt | None]:
    wanted = ManifestRequest(Pipeline.SNAPSHOT, "d", {"seq": scope}, "1", "test")
    with control.write("by a test") as connection:
        manifest = manifests.request(connection, wanted)
        assert manifest is not None
        return manifest, attempts.next_attempt(connection, manifest.run_id, "test")


def begun(control: ControlDb) -> Claim:
    _, attempt = asked(control)
    assert attempt is not None
    return attempts.start(control, attempt.run_id, attempt.attempt, "a test")


def cancel(control: ControlDb, run_id: str) -> RunManifest:
    with control.write("by a test") as connection:
        return interventions.cancel(connection, run_id, "ann", "wrong file")


def retry(control: ControlDb, run_id: str) -> RunManifest:
    with control.write("by a test") as connection:
        return interventions.retry(connection, run_id, "ann", "right file")


def states_of_attempts(control: ControlDb) -> list[tuple[str, str | None]]:
    rows = control.rows("select state, message from run_attempt order by requested_at, attempt")
    return [(row["state"], row["message"]) for row in rows]


def test_a_cancelled_run_that_waited_does_not_begin(control: ControlDb) -> None:
    _, attempt = asked(control)
    assert attempt is not None
    assert cancel(control, attempt.run_id).state is RunState.CANCELLED
    assert states_of_attempts(control) == [("CANCELLED", "cancelled by ann: wrong file")]
    with pytest.raises(Deferred, match="CANCELLED"):
        attempts.start(control, attempt.run_id, attempt.attempt, "late")


def test_a_running_attempt_loses_its_claim_and_can_end_nothing(control: ControlDb) -> None:
    claim = begun(control)
    cancel(control, claim.run_id)
    assert not claims.heartbeat(control, claim)
    with pytest.raises(Deferred), control.write("by a test") as connection:
        claims.assert_claim(connection, claim)
    assert attempts.finish(control, claim, ExitClass.SUCCESS, "", {}) is None
    assert not attempts.defer(control, claim, "")
    assert attempts.why_over(control, claim).endswith("is CANCELLED: cancelled by ann: wrong file")
    assert control.rows("select from dataset_claim") == []


def test_the_same_scope_is_not_asked_for_again_and_another_one_is(control: ControlDb) -> None:
    claim = begun(control)
    cancel(control, claim.run_id)
    again, attempt = asked(control)
    assert (again.run_id, again.state, attempt) == (claim.run_id, RunState.CANCELLED, None)
    _, of_new_facts = asked(control, scope=1)
    assert of_new_facts is not None


def test_a_retry_opens_a_cancelled_run_and_both_decisions_are_kept(control: ControlDb) -> None:
    claim = begun(control)
    cancel(control, claim.run_id)
    assert retry(control, claim.run_id).state is RunState.OPEN
    _, attempt = asked(control)
    assert attempt is not None
    assert attempt.attempt == 2
    rows = control.rows("select decision, after_attempt, person, reason from run_decision order by decision_id")
    assert [tuple(row.values()) for row in rows] == [
        ("CANCEL", 1, "ann", "wrong file"),
        ("RETRY", 1, "ann", "right file"),
    ]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), control.write("by a test") as connection:
        connection.execute("delete from run_decision")


@pytest.mark.parametrize("exit_class", [ExitClass.SUCCESS, ExitClass.VALIDATION_FAILED, ExitClass.BUG])
def test_what_has_ended_is_not_cancelled(control: ControlDb, exit_class: ExitClass) -> None:
    claim = begun(control)
    attempts.finish(control, claim, exit_class, "", {})
    with pytest.raises(ConfigurationError, match="nothing to cancel"):
        cancel(control, claim.run_id)
    assert control.rows("select from run_decision") == []


def test_a_termination_heard_of_after_a_retry_cancels_nothing(control: ControlDb) -> None:
    claim = begun(control)
    cancel(control, claim.run_id)
    retry(control, claim.run_id)
    with control.write("by a test") as connection:
        assert not interventions.cancel_attempt(connection, claim.run_id, claim.attempt, "dagster-ui", "terminated")
    _, attempt = asked(control)
    assert attempt is not None
    with control.write("by a test") as connection:
        assert interventions.cancel_attempt(connection, claim.run_id, attempt.attempt, "dagster-ui", "terminated")


def test_a_heartbeat_tells_the_job_that_its_run_is_cancelled(
    control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT_SECONDS", 0.02)
    claim = begun(control)
    with batch_job.heartbeat(control, claim, timedelta(hours=1)):
        time.sleep(0.1)
        claim.check()
        cancel(control, claim.run_id)
        assert claim.over.wait(10)
        with pytest.raises(Deferred):
            claim.check()


def test_two_claims_with_the_same_token_are_equal_whatever_is_known_of_them(control: ControlDb) -> None:
    claim = begun(control)
    known = Event()
    known.set()
    assert claim == Claim(claim.dataset, claim.run_id, claim.attempt, claim.token, known)
