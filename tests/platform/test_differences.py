"""A run that restates published dates tells on their pages what changed and which fact it was."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlparse

import dagster as dg
import pytest

from casegold.control.versions import listing
from casegold.operations import restatement_report
from casegold.source.simulate import Plan
from platform_assets import differences
from tests.history.story import send_late
from tests.platform.conftest import LAST, House, send

SNAPSHOT = dg.AssetKey(["gold", "case_daily_snapshot"])
SENSORS = ("domain_events", "domain_totals", "day_close", "planner")
DAYS = ["2026-03-02", "2026-03-03"]


def restate(house: House) -> dict[str | None, str]:
    """A late fact of the second of three dates; what the pages of restated dates say."""
    plan = Plan(30, 3, 1, LAST, house.platform.calendar)
    send_late(house.platform.settings, "late|letter", LAST.replace(day=2), plan)
    results = house.until_quiet(*SENSORS)
    assert all(result.success for result in results)
    events = [event for result in results for event in result.get_asset_materialization_events()]
    found = {event.partition: event.materialization for event in events if event.asset_key == SNAPSHOT}
    assert list(found) == DAYS
    return {key: str(each.metadata[differences.NAME].value) for key, each in found.items()}


@pytest.fixture
def published(house: House) -> House:
    send()
    results = house.until_quiet(*SENSORS)
    events = [event for result in results for event in result.get_asset_materialization_events()]
    assert not any(differences.NAME in event.materialization.metadata for event in events), "nothing was restated"
    return house


def test_pages_of_restated_dates_tell_what_changed_and_why(published: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restatement_report, "MOST_PARTITIONS", 1)
    first, second = restate(published).values()
    assert "Version 1 to 2: 1 rows changed, 0 added, 0 removed" in first
    assert "| escalation_level | 1 |" in first
    assert "| CHANGED | escalation_level |" in first
    assert "1 facts that the earlier versions did not know" in first
    assert "| late\\|letter | CaseEscalated |" in first
    assert f"casegold diff gold/case_daily_snapshot 1 2 --partition {DAYS[0]}" in first
    assert "Not compared row by row" in second
    assert "| late\\|letter | CaseEscalated |" in second


def test_a_report_that_cannot_be_made_changes_nothing(published: House) -> None:
    with published.platform.control.read() as connection:
        (file,) = listing.files(connection, "gold/case_daily_snapshot", 1, LAST)
    Path(urlparse(file["file_path"]).path).unlink()
    for page in restate(published).values():
        assert "could not be computed" in page
