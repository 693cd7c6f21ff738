"""Backfills seen from Dagster: planned and begun by jobs, run by the planner's sensor, approved elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import dagster as dg
import pytest

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from resources.runs import BACKFILL_TAG, MODE_TAG
from tests.e2e.installation import SNAPSHOT, command
from tests.platform.conftest import LAST, House, send

PASSWORD = "correct horse battery"
SENSORS = ("domain_events", "domain_totals", "day_close", "planner")
RANGE = {"dataset": SNAPSHOT, "first": str(LAST), "last": str(LAST)}


@pytest.fixture
def published(house: House) -> House:
    send()
    house.until_quiet(*SENSORS)
    return house


@pytest.fixture
def ann_and_bob(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    owner = ControlDb(house.platform.settings.owner_url())
    monkeypatch.setenv("CASEGOLD_PERSON_PASSWORD", PASSWORD)
    ann, bob = (f"{name}_{uuid4().hex[:8]}" for name in ("ann", "bob"))
    people.add(owner, ann, "casegold_operator", "ann", PASSWORD)
    people.add(owner, bob, "casegold_steward", "bob", PASSWORD)
    yield ann, bob
    for login in (ann, bob):
        people.remove(owner, login)


def told(result: dg.ExecuteInProcessResult, op: str) -> dict[str, object]:
    (output,) = [event for event in result.all_node_events if event.is_step_success or event.is_successful_output][:1]
    assert output.step_key == op
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def test_a_plan_is_shown_and_nothing_is_asked_for(published: House) -> None:
    result = published.launch("plan_backfill", config={"show_plan": RANGE})
    assert result.success
    shown = told(result, "show_plan")
    assert "published, computed again | 1" in str(shown["plan"])
    assert shown["to ask for it"] == f"casegold backfill request {SNAPSHOT} {LAST} {LAST} --reason ..."
    assert approvals.requests(published.platform.control, 10) == []


def test_what_cannot_be_planned_fails_with_the_reason(published: House) -> None:
    result = published.launch(
        "plan_backfill", config={"show_plan": RANGE | {"first": "2030-01-01", "last": "2030-01-02"}}
    )
    assert not result.success
    assert "is over and closed" in str(result.failure_data_for_node("show_plan"))


def test_what_people_approved_is_begun_and_its_runs_are_tagged(published: House, ann_and_bob: tuple[str, str]) -> None:
    ann, bob = ann_and_bob
    control = published.platform.control
    command("backfill", "request", SNAPSHOT, LAST, LAST, "--reason", "figures in doubt", "--as", ann)
    (request,) = (each.backfill_run_id for each in approvals.requests(control, 10))
    command("backfill", "plan", request, "--as", ann)
    early = published.launch("execute_backfill", config={"begin": {"request": request}})
    assert not early.success
    assert "PLANNED, not APPROVED" in str(early.failure_data_for_node("begin"))
    digest = approvals.find(control, request).plan_digest
    command("backfill", "approve", request, "--digest", digest, "--as", bob)
    begun = published.launch("execute_backfill", config={"begin": {"request": request[:11]}})
    assert begun.success
    assert published.run_tags(begun)[BACKFILL_TAG] == request
    (wanted,) = published.tick("planner")
    assert (wanted.tags[BACKFILL_TAG], wanted.tags[MODE_TAG]) == (request, "BACKFILL")
    assert published.run(wanted).success
    published.until_quiet(*SENSORS)
    assert approvals.find(control, request).state == "COMPLETED"


def test_a_shadow_is_computed_by_its_own_job(published: House, ann_and_bob: tuple[str, str]) -> None:
    ann, bob = ann_and_bob
    control = published.platform.control
    command("backfill", "request", SNAPSHOT, LAST, "--mode", "SHADOW", "--reason", "new rules", "--as", ann)
    (request,) = (each.backfill_run_id for each in approvals.requests(control, 10))
    command("backfill", "plan", request, "--as", ann)
    digest = approvals.find(control, request).plan_digest
    command("backfill", "approve", request, "--digest", digest, "--as", bob)
    command("backfill", "execute", request)
    (wanted,) = published.tick("planner")
    assert wanted.job_name == "compute_shadow"
    assert (wanted.tags[BACKFILL_TAG], wanted.tags[MODE_TAG]) == (request, "SHADOW")
    ended = published.run(wanted)
    assert ended.success
    assert ended.get_asset_materialization_events() == []
    shown = told(ended, "compute_and_compare")
    assert (shown["partitions"], shown["partitions that differ"]) == (1, 0)
    assert request in str(shown["comparison"])
    published.until_quiet(*SENSORS)
    assert approvals.find(control, request).state == "COMPLETED"
    for job, step in (("compute_shadow", "compute_and_compare"), ("replay_events", "send_events")):
        by_hand = published.launch(job)
        assert not by_hand.success
        assert "a replay or a shadow cannot be launched by hand" in str(by_hand.failure_data_for_node(step))
