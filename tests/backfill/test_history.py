"""Backfills and the history of versions: what caused a restatement, and what a pin keeps from it."""

from __future__ import annotations

from datetime import timedelta

from casegold.domain.events import CaseEvent
from casegold.operations.causes import of_version
from casegold.runtime.settings import Settings
from tests.backfill.conftest import BEYOND_GRACE, FIRST, LAST, Folk, expected, state_of
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import evidence, send


def test_an_admitted_fact_is_a_cause_of_what_was_restated_for_it(
    settings: Settings, installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    very_late = evidence("very-late-letter", simulated[0].case_id, BEYOND_GRACE)
    late = evidence("late-letter", simulated[1].case_id, LAST - timedelta(days=2))
    send(settings, very_late, late)
    installation.work()
    causes = of_version(installation.platform, SNAPSHOT, 2, None, 10)
    assert [(fact.event_id, fact.held) for fact in causes.sample] == [("late-letter", False)], "the other one is held"
    folk.begin(folk.open_request())
    installation.work()
    causes = of_version(installation.platform, SNAPSHOT, 3, None, 10)
    assert [(fact.event_id, fact.held) for fact in causes.sample] == [("very-late-letter", True)]
    assert causes.facts == 1
    assert causes.sample[0].dirty_from == BEYOND_GRACE


def test_a_backfill_waits_for_a_pin(
    settings: Settings, installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    late = evidence("late-letter", simulated[1].case_id, LAST - timedelta(days=2))
    send(settings, late)
    installation.work()
    command("republish", SNAPSHOT, 1, "--partition", LAST, "--reason", "as the minister has it")
    put_back = installation.rows(SNAPSHOT, FIRST, LAST)
    request = folk.ask(FIRST, LAST)
    folk.begin(request)
    installation.work()
    assert state_of(installation, request) == "EXECUTING"
    assert installation.rows(SNAPSHOT, FIRST, LAST) == put_back
    assert f"pinned from {LAST}" in command("plan")
    command("release", SNAPSHOT, "--reason", "the backfill is right")
    installation.work()
    assert state_of(installation, request) == "COMPLETED"
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, late])
