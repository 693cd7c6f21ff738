"""From a request to figures: held facts come to count, dates are computed again, or nothing happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casegold.control.changes import approvals
from casegold.control.model import Mode, Pipeline
from casegold.domain.errors import Refused
from casegold.domain.events import CaseEvent
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import domain_tick, planner_tick
from casegold.scheduling.worker import execute
from tests.backfill.conftest import BEYOND_GRACE, CALENDAR, FIRST, LAST, Folk, expected, state_of
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import evidence, partitions_of, send
from tests.ingest.register import send_totals, totals_of


@pytest.fixture
def very_late(simulated: list[CaseEvent]) -> CaseEvent:
    return evidence("very-late-letter", simulated[0].case_id, BEYOND_GRACE)


@pytest.fixture
def held(settings: Settings, installation: Installation, very_late: CaseEvent) -> None:
    """A fact that waits for people."""
    send(settings, very_late)
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1]


@pytest.mark.usefixtures("held")
def test_a_held_fact_counts_once_two_people_want_it(
    installation: Installation, folk: Folk, simulated: list[CaseEvent], very_late: CaseEvent
) -> None:
    request = folk.open_request()
    assert "very-late-letter" in command("facts", "held")
    assert "EXECUTING" in folk.begin(request)
    executed = installation.work()
    assert [each.attempt.pipeline for each in executed][:2] == [Pipeline.ADMISSION, Pipeline.SNAPSHOT]
    assert {each.exit_class.name for each in executed} == {"SUCCESS"}, executed
    assert state_of(installation, request) == "COMPLETED"
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, very_late])
    assert installation.rows(SNAPSHOT, FIRST, LAST, version=1) == expected(simulated), "what was official then"
    assert partitions_of(installation, 2)[0] == BEYOND_GRACE
    control = installation.platform.control
    (version,) = control.rows("select mode, caused_by from dataset_version where version = 2 and dataset like 'gold%%'")
    assert version["mode"] == "BACKFILL"
    assert request in version["caused_by"][0]
    (event,) = control.rows("select payload from outbox where payload ->> 'datasetVersion' = 'snapshot-000002'")
    assert (event["payload"]["mode"], event["payload"]["backfillRunId"]) == ("BACKFILL", request)
    (fact,) = control.rows("select state, decided_by, reason from fact_admission")
    assert (fact["state"], fact["decided_by"]) == ("ADMITTED", "bob")
    assert "published: 13" in command("backfill", "status", request)
    assert "ADMITTED" in command("facts", "show", "very-late-letter")
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1, 2]


@pytest.mark.usefixtures("held")
def test_changed_inputs_refuse_a_plan_and_name_the_difference(
    settings: Settings, installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    request = folk.open_request()
    folk.approve(request)
    send(settings, evidence("late-letter", simulated[0].case_id, LAST - timedelta(days=2)))
    installation.work()
    with pytest.raises(Refused, match=r"digest of their current versions was .* facts that came since"):
        command("backfill", "execute", request)
    assert state_of(installation, request) == "APPROVED"
    (last, *_) = approvals.audit(installation.platform.control, request, 10)
    assert (last.step, last.detail["attempt"]) == ("REFUSED", "begin")
    command("backfill", "cancel", request, "--reason", "moved on", "--as", folk.ann)
    command("facts", "admit", "--from", FIRST, "--to", LAST, "--reason", "real letters", "--as", folk.ann)
    again = folk.open_request()
    folk.begin(again)
    installation.work()
    assert state_of(installation, again) == "COMPLETED"


@pytest.mark.usefixtures("held")
def test_cancelled_before_its_facts_count_nothing_changes(
    installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    request = folk.open_request()
    folk.begin(request)
    command("backfill", "pause", request, "--reason", "wait", "--as", folk.bob)
    assert installation.work() == ()
    command("backfill", "cancel", request, "--reason", "not now", "--as", folk.ann)
    assert installation.work() == ()
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    (fact,) = installation.platform.control.rows("select state from fact_admission")
    assert fact["state"] == "HELD"


@pytest.mark.usefixtures("held")
def test_cancelled_after_its_facts_count_people_are_asked_again(
    installation: Installation, folk: Folk, simulated: list[CaseEvent], very_late: CaseEvent
) -> None:
    request = folk.open_request()
    folk.begin(request)
    _admit_only(installation)
    command("backfill", "pause", request, "--reason", "wait", "--as", folk.bob)
    assert installation.work() == ()
    command("backfill", "cancel", request, "--reason", "not now", "--as", folk.bob)
    assert installation.work() == ()
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    again = folk.open_request()
    assert again != request
    folk.begin(again)
    installation.work()
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, very_late])
    assert state_of(installation, again) == "COMPLETED"


def _admit_only(installation: Installation) -> None:
    """Work up to the admission and no further."""
    planner_tick(installation.platform)
    (attempt,) = domain_tick(installation.platform, "silver/case_events")
    assert attempt.pipeline is Pipeline.ADMISSION
    assert execute(installation.platform, attempt).exit_class.name == "SUCCESS"


def test_figures_computed_again_and_the_same_make_no_version(installation: Installation, folk: Folk) -> None:
    request = folk.ask(FIRST, FIRST + timedelta(days=3))
    folk.begin(request)
    (executed,) = installation.work()
    assert executed.attempt.backfill_run_id == request
    assert state_of(installation, request) == "COMPLETED"
    assert "published: 0; unchanged: 20" in command("backfill", "status", request)
    assert installation.version_numbers(SNAPSHOT) == [1]
    assert installation.work() == ()


@pytest.mark.usefixtures("held")
def test_a_rejected_fact_changes_no_figure(installation: Installation, folk: Folk, simulated: list[CaseEvent]) -> None:
    with pytest.raises(Refused, match="has no role"):
        command("facts", "reject", "very-late-letter", "--reason", "forged", "--as", folk.bob)
    command("facts", "reject", "very-late-letter", "--reason", "forged", "--as", folk.ann)
    with pytest.raises(Refused, match="decided already"):
        command("facts", "reject", "very-late-letter", "--reason", "forged", "--as", folk.ann)
    installation.work()
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    shown = command("facts", "show", "very-late-letter")
    assert "REJECTED" in shown
    assert "forged" in shown
    assert "No fact is held" in command("facts", "held")


@pytest.mark.usefixtures("held")
def test_what_is_due_meanwhile_is_published_with_it(
    settings: Settings, installation: Installation, folk: Folk, simulated: list[CaseEvent], very_late: CaseEvent
) -> None:
    """A late fact within grace arrives once the backfill has begun."""
    request = folk.open_request()
    folk.begin(request)
    late = evidence("late-letter", simulated[1].case_id, LAST - timedelta(days=2))
    send(settings, late)
    installation.work()
    assert state_of(installation, request) == "COMPLETED"
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, very_late, late])


def test_a_dry_run_asks_for_nothing(installation: Installation) -> None:
    shown = command("backfill", "plan", "--dry-run", SNAPSHOT, FIRST, FIRST)
    assert "2024-02-10 .. 2024-02-29" in shown
    assert approvals.requests(installation.platform.control, 10) == []


@pytest.mark.usefixtures("held")
def test_stopped_while_it_computes_it_publishes_nothing(
    installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    request = folk.open_request()
    folk.begin(request)
    _admit_only(installation)
    (attempt,) = planner_tick(installation.platform)
    assert attempt.backfill_run_id == request
    command("backfill", "pause", request, "--reason", "wait", "--as", folk.bob)
    assert f"backfill {request} is PAUSED" in execute(installation.platform, attempt).message
    assert installation.version_numbers(SNAPSHOT) == [1]
    command("backfill", "resume", request, "--reason", "on", "--as", folk.ann)
    command("backfill", "cancel", request, "--reason", "no", "--as", folk.ann)
    installation.work()
    states = installation.platform.control.rows(
        "select state from run_manifest where run_id = %(id)s", {"id": attempt.run_id}
    )
    assert [row["state"] for row in states] == ["CANCELLED"]
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)


@pytest.mark.usefixtures("held")
def test_a_day_that_closes_meanwhile_follows(
    installation: Installation, folk: Folk, simulated: list[CaseEvent], very_late: CaseEvent
) -> None:
    request = folk.open_request()
    folk.approve(request)
    tomorrow = LAST + timedelta(days=1)
    command("clock", "fix", CALENDAR.end_of(tomorrow).isoformat(), "--reason", "a day later")
    send_totals(installation.platform, totals_of([tomorrow]))
    installation.work()
    assert installation.published(SNAPSHOT)[-1] == tomorrow
    assert f"are computed, too: {tomorrow}" in command("backfill", "execute", request)
    installation.work()
    assert state_of(installation, request) == "COMPLETED"
    assert installation.rows(SNAPSHOT, FIRST, tomorrow) == expected([*simulated, very_late], tomorrow)
    assert partitions_of(installation, 3)[-1] == tomorrow


def test_a_report_is_computed_again_by_itself(installation: Installation, folk: Folk) -> None:
    request = folk.ask(FIRST, LAST, REPORT)
    folk.begin(request)
    (executed,) = installation.work()
    assert (executed.attempt.dataset, executed.attempt.mode) == (REPORT, Mode.BACKFILL)
    assert state_of(installation, request) == "COMPLETED"
    assert installation.version_numbers(REPORT) == [1]


def test_one_backfill_of_a_dataset_at_a_time_is_begun(installation: Installation, folk: Folk) -> None:
    first = folk.ask(FIRST, FIRST)
    folk.begin(first)
    command("backfill", "request", SNAPSHOT, LAST, "--reason", "another", "--as", folk.ann)
    (second,) = {each.backfill_run_id for each in approvals.requests(installation.platform.control, 10)} - {first}
    folk.approve(second)
    with pytest.raises(Refused, match=f"{first} of the same dataset is EXECUTING"):
        command("backfill", "execute", second)
    with pytest.raises(Refused, match="is EXECUTING, not APPROVED"):
        command("backfill", "execute", first)
