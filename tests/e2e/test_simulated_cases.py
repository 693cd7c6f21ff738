"""Sixty days of simulated cases, from the broker to the report, equal an oracle that knows only the events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from casegold.domain.calendar import BusinessCalendar, days
from casegold.runtime.settings import Settings
from casegold.sink.lake import local_path
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 1), date(2024, 3, 31)  # a leap day, and the change of the clocks
CASES, SEED = 120, 7
SHARES: dict[str, Any] = {"duplicates": 0.02, "out_of_order": 0.05, "late": 0.02, "poison": 0.01}


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


def simulate_again(*more: object) -> None:
    shares = [word for name, share in SHARES.items() for word in (f"--{name.replace('_', '-')}", share)]
    command("simulate", "--cases", CASES, "--days", 60, "--seed", SEED, "--until", LAST, *shares, *more)


def simulate_to(file: Path) -> None:
    shares = [
        word for name, share in SHARES.items() if name != "poison" for word in (f"--{name.replace('_', '-')}", share)
    ]
    command("simulate", "--cases", CASES, "--days", 60, "--seed", SEED, "--until", LAST, *shares, "--to", file)


def test_figures_equal_the_oracle_and_sending_all_again_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    simulate_again()
    installation = Installation(settings)
    executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed

    plan = Plan(CASES, 60, SEED, LAST, CALENDAR, **SHARES)
    facts = facts_of(sent.event for sent in simulate(plan) if sent.event is not None)
    expected = snapshots(facts, {day: CALENDAR.end_of(day) for day in days(FIRST, LAST)})
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected
    assert installation.published(SNAPSHOT) == list(days(FIRST, LAST))
    assert installation.published(REPORT) == [date(2024, 2, 1), date(2024, 3, 1)]

    pages = installation.platform.control.rows(
        "select uri, version from version_artifact where media_type = 'text/html'"
    )
    assert len(pages) == 2
    for page in pages:
        assert f"Version {page['version']}" in Path(local_path(page["uri"])).read_text()

    versions = installation.version_numbers(SNAPSHOT), installation.version_numbers(REPORT)
    simulate_again("--binary", 0.9, "--structured", 0.1)  # the same events in other encodings
    installation.work()
    backwards = tmp_path / "backwards.jsonl"
    simulate_to(backwards)
    backwards.write_text("".join(reversed(backwards.read_text().splitlines(keepends=True))))
    command("send", backwards)
    installation.work()
    assert (installation.version_numbers(SNAPSHOT), installation.version_numbers(REPORT)) == versions
    commits = installation.platform.control.rows(
        "select accepted, duplicates from ingest_commit where dataset = 'silver/case_events' and seq > 1 order by seq"
    )
    assert [commit["accepted"] for commit in commits] == [0, 0]
    assert all(commit["duplicates"] >= len(facts) for commit in commits), "the ledger shows why nothing changed"


def test_a_load_interrupted_half_way_closes_no_day(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    command("simulate", "--cases", 20, "--days", 10, "--seed", 1, "--until", LAST, "--to", file)
    command("send", file)  # events, and no control totals
    installation = Installation(settings)
    installation.work()
    assert installation.platform.control.rows("select 1 from day_close") == []
    assert installation.published(SNAPSHOT) == []


def test_a_poisoned_day_is_held_and_corrected_totals_release_it(settings: Settings) -> None:
    poisoned = date(2024, 3, 20)
    simulate_again("--totals-error", poisoned)
    installation = Installation(settings)
    installation.work()
    assert installation.published(SNAPSHOT) == list(days(FIRST, poisoned - timedelta(days=1)))
    assert installation.published(REPORT) == [date(2024, 2, 1)]
    assert "completeness" in command("holds")
    assert f"held from {poisoned}" in command("plan")
    simulate_again("--totals-revision", 2)
    installation.work()
    assert installation.published(SNAPSHOT) == list(days(FIRST, LAST))
    assert installation.published(REPORT) == [date(2024, 2, 1), date(2024, 3, 1)]
    assert "Nothing is held" in command("holds")
