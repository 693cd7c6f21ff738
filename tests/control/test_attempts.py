"""Attempts and claims: one owner per dataset, whichever process dies at any time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from casegold.control.db import Connection, ControlDb
from casegold.control.model import Attempt, ManifestRequest, Pipeline, RunManifest, RunState
from casegold.control.runs import attempts, claims, interventions, manifests
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass

Ask = Callable[..., Attempt]


def wanted(scope: int, dataset: str) -> ManifestRequest:
    return ManifestRequest(Pipeline.SNAPSHOT, dataset, {"seq": scope}, "1", "test")


@pytest.fixture
def ask(control: ControlDb, request: pytest.FixtureRequest) -> Ask:
    """Request an attempt of a dataset that only this test uses."""

    def asked(scope: int = 1, dataset: str = request.node.name) -> Attempt:
        with control.write("by a test") as connection:
            manifest = manifests.request(connection, wanted(scope, dataset))
            assert manifest is not None
            attempt = attempts.next_attempt(connection, manifest.run_id, "test")
        assert attempt is not None
        return attempt

    return asked


def age(control: ControlDb, attempt: Attempt) -> None:
    """Move the owner's last heartbeat into the past, so that it counts as dead."""
    with control.write("by a test") as connection:
        for table in ("run_attempt", "dataset_claim"):
            connection.execute(
                f"update {table} set heartbeat_at = heartbeat_at - interval '1 hour' where run_id = %s",  # noqa: S608
                (attempt.run_id,),
            )


def pause_ends(connection: Connection) -> None:
    connection.execute("update run_attempt set not_before = '-infinity'")


def state_of(control: ControlDb, attempt: Attempt) -> str:
    sql = "select state from run_attempt where run_id = %(run_id)s and attempt = %(attempt)s"
    return str(control.rows(sql, {"run_id": attempt.run_id, "attempt": attempt.attempt})[0]["state"])


def manifest_of(control: ControlDb, run_id: str) -> RunManifest:
    with control.write("by a test") as connection:
        return manifests.manifest(connection, run_id)


def test_the_same_work_has_the_same_id_and_other_work_another() -> None:
    assert manifests.run_id_of(wanted(1, "d")) == manifests.run_id_of(wanted(1, "d"))
    assert len({manifests.run_id_of(wanted(scope, name)) for scope in (1, 2) for name in ("d", "e")}) == 4


def test_asking_twice_gives_one_manifest_and_one_live_attempt(control: ControlDb, ask: Ask) -> None:
    attempt = ask()
    with control.write("by a test") as connection:
        again = manifests.request(connection, wanted(1, attempt.dataset))
        assert again is not None
        assert again.run_id == attempt.run_id
        assert attempts.next_attempt(connection, again.run_id, "test") is None


def test_a_second_run_of_a_claimed_dataset_is_deferred(control: ControlDb, ask: Ask) -> None:
    first = ask()
    attempts.start(control, first.run_id, first.attempt, "a")
    with pytest.raises(Deferred):
        attempts.start(control, first.run_id, first.attempt, "the same attempt, launched twice")
    with control.write("by a test") as connection:
        assert manifests.request(connection, wanted(2, first.dataset)) is None, "one is running"


def test_a_dead_owner_is_taken_over_and_its_token_opens_nothing(control: ControlDb, ask: Ask) -> None:
    first = ask()
    dead = attempts.start(control, first.run_id, first.attempt, "a")
    age(control, first)
    with control.write("by a test") as connection:
        assert attempts.reap(connection) >= 1
        pause_ends(connection)
        second = attempts.next_attempt(connection, first.run_id, "test")
    assert second is not None
    alive = attempts.start(control, second.run_id, second.attempt, "b")
    assert state_of(control, first) == "LOST"
    assert not claims.heartbeat(control, dead)
    with pytest.raises(Deferred), control.write("by a test") as connection:
        claims.assert_claim(connection, dead)
    assert attempts.finish(control, dead, ExitClass.SUCCESS, "", {}) is None, (
        "the dead cannot end the work of the living"
    )
    with control.write("by a test") as connection:
        claims.assert_claim(connection, alive)
    assert attempts.finish(control, alive, ExitClass.SUCCESS, "", {}) is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("exit_class", "state"),
    [
        (ExitClass.SUCCESS, RunState.SUCCEEDED),
        (ExitClass.VALIDATION_FAILED, RunState.HELD),
        (ExitClass.SOURCE_UNAVAILABLE, RunState.OPEN),
        (ExitClass.COMMIT_UNKNOWN, RunState.OPEN),
        (ExitClass.CONFIGURATION, RunState.FAILED),
        (ExitClass.BUG, RunState.FAILED),
    ],
)
def test_what_an_exit_class_does_to_the_manifest(
    control: ControlDb, ask: Ask, exit_class: ExitClass, state: RunState
) -> None:
    attempt = ask()
    claim = attempts.start(control, attempt.run_id, attempt.attempt, "a")
    assert attempts.finish(control, claim, exit_class, "why", {"error": "why"}) is state
    assert manifest_of(control, attempt.run_id).state is state
    with control.write("by a test") as connection:
        # A retry waits for its backoff; an ended run is not retried.
        assert attempts.next_attempt(connection, attempt.run_id, "test") is None


def test_a_person_reopens_what_failed_and_not_what_succeeded(control: ControlDb, ask: Ask) -> None:
    attempt = ask()
    claim = attempts.start(control, attempt.run_id, attempt.attempt, "a")
    attempts.finish(control, claim, ExitClass.CONFIGURATION, "why", {})
    with control.write("by a test") as connection:
        assert interventions.retry(connection, attempt.run_id, "ann", "mended").state is RunState.OPEN
        again = attempts.next_attempt(connection, attempt.run_id, "ann")
    assert again is not None
    assert again.attempt == 2
    claim = attempts.start(control, again.run_id, again.attempt, "b")
    attempts.finish(control, claim, ExitClass.SUCCESS, "", {})
    with pytest.raises(ConfigurationError), control.write("by a test") as connection:
        interventions.retry(connection, attempt.run_id, "ann", "again")


def test_the_sixth_death_in_a_row_ends_the_manifest(control: ControlDb, ask: Ask) -> None:
    attempt: Attempt | None = ask()
    for number in range(1, 7):
        assert attempt is not None
        assert attempt.attempt == number
        attempts.start(control, attempt.run_id, attempt.attempt, "a")
        age(control, attempt)
        with control.write("by a test") as connection:
            attempts.reap(connection)
            pause_ends(connection)
            attempt = attempts.next_attempt(connection, attempt.run_id, "test")
    assert attempt is None
    run_id = control.rows("select run_id from run_attempt where attempt = 6 and state = 'LOST'")[0]["run_id"]
    assert manifest_of(control, run_id).state is RunState.FAILED


def test_newer_pins_supersede_work_that_has_not_started(control: ControlDb, ask: Ask) -> None:
    old = ask(1)
    new = ask(2)
    assert manifest_of(control, old.run_id).state is RunState.SUPERSEDED
    with pytest.raises(Deferred):
        attempts.start(control, old.run_id, old.attempt, "late")
    attempts.start(control, new.run_id, new.attempt, "a")


def test_a_wish_to_go_back_makes_way_for_another_such_wish_only(control: ControlDb, ask: Ask) -> None:
    computation = ask(1, "d")
    with control.write("by a test") as connection:
        first, second = (ManifestRequest(Pipeline.REPUBLISH, "d", {"version": n}, "1", "test") for n in (1, 2))
        wish = manifests.request(connection, first)
        assert wish is not None
        assert manifests.manifest(connection, computation.run_id).state is RunState.SUPERSEDED
        assert manifests.request(connection, wanted(2, "d")) is None
        other = manifests.request(connection, second)
        assert other is not None
        assert manifests.manifest(connection, wish.run_id).state is RunState.SUPERSEDED
