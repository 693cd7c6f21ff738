"""Everything is maintained in the middle of the platform's life: no figure is another, and work goes on as before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from casegold.domain.calendar import days
from casegold.runtime.settings import Settings
from casegold.sink.lake import local_path
from casegold.source.simulate import simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import CALENDAR, FIRST, LAST, PLAN, evidence, expected, partitions_of, send

GROWING = ("bronze/case_events", "silver/case_events")
OPTIONS = ("--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST)
CLEAN = ("--duplicates", 0, "--out-of-order", 0)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    """Chunks so small that an ingest leaves many files."""
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": FIRST.isoformat(),
        "business_clock": CALENDAR.end_of(LAST).isoformat(),
        "ingest_chunk_records": "20",
    }


def shown(*versions: int) -> list[str]:
    """Every date's rows as some versions have them, as people read them."""
    return [
        command("show", SNAPSHOT, "--partition", day, "--version", version, "--format", "json")
        for version in versions
        for day in days(FIRST, LAST)
    ]


def files(installation: Installation) -> dict[str, set[str]]:
    lake = installation.platform.lake
    return {table: {local_path(file.file_path) for file in lake.data_files(table)} for table in GROWING}


def test_maintenance_changes_no_figure_and_no_later_work(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = [sent.event for sent in simulate(PLAN) if sent.event is not None]
    command("simulate", *OPTIONS, *CLEAN)
    installation = Installation(settings)
    installation.work()
    before, grown = shown(1), files(installation)

    command("maintain")
    compacted = files(installation)
    assert all(len(compacted[table]) * 8 <= len(grown[table]) for table in GROWING), (compacted, grown)
    assert shown(1) == before

    command("simulate", *OPTIONS, *CLEAN)
    installation.work()
    (counts,) = installation.platform.control.rows(
        "select sum(accepted) as accepted, sum(duplicates) as duplicates from ingest_commit"
        " where dataset = 'silver/case_events'"
    )
    known = {"accepted": len(simulated), "duplicates": len(simulated)}
    assert counts == known, "every event sent again is known from the compacted rows"
    assert installation.version_numbers(SNAPSHOT) == [1]

    late = evidence("late-letter", simulated[0].case_id, LAST - timedelta(days=3))
    send(settings, late)
    installation.work()
    assert partitions_of(installation, 2) == list(days(LAST - timedelta(days=3), LAST))
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, late])

    after = shown(1, 2)
    monkeypatch.setattr("casegold.sink.maintenance.KEEP_REPLACED", timedelta(0))
    monkeypatch.setattr("casegold.jobs.maintenance.SNAPSHOTS_KEPT", 1)
    monkeypatch.setattr("casegold.sink.orphans.GRACE", timedelta(0))
    assert "not done" in command("maintain", "--dry-run")
    command("maintain")
    replaced = {path for table in GROWING for path in grown[table] - compacted[table]}
    assert replaced
    assert not any(Path(path).exists() for path in replaced)
    assert shown(1, 2) == after, "days later, with nothing kept but what versions name"
    assert shown(1) == before
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, late])
    assert installation.version_numbers(REPORT) == [1]
    assert "every complete period is published and up to date" in command("plan")
