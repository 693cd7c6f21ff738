"""Simulated cases over more than one quarter: the published metrics are those an oracle counts from the snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ExitClass
from casegold.runtime.settings import Settings
from tests.breach_metrics.oracle import metrics
from tests.e2e.installation import METRICS, SNAPSHOT, Installation, command
from tests.verification.test_verify import other_content, paths_of

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 3, 23), date(2024, 6, 30)
QUARTERS = {date(2024, 1, 1): date(2024, 3, 31), date(2024, 4, 1): LAST}


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


def test_published_metrics_equal_the_oracle(settings: Settings) -> None:
    command("simulate", "--cases", 40, "--days", 100, "--seed", 11, "--until", LAST)
    installation = Installation(settings)
    executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed
    assert installation.published(METRICS) == list(QUARTERS)
    for quarter, last in QUARTERS.items():
        eve = quarter - timedelta(days=1)
        snapshots = installation.rows(SNAPSHOT, eve, last)
        expected = metrics(snapshots, quarter, last, CALENDAR.end_of(eve))
        assert expected
        assert installation.rows(METRICS, quarter, quarter) == expected
    assert command("verify", METRICS).splitlines() == [f"{quarter}  version 1 verified" for quarter in QUARTERS]
    (path,) = paths_of(installation, SNAPSHOT, FIRST + timedelta(days=2))
    with other_content(path, None):
        said = command("verify", METRICS, expect=ExitClass.CONFIGURATION).splitlines()
    assert "version 1 is unverifiable: its input gold/case_daily_snapshot 2024-03-25 version 1 is gone" in said[0]
    assert said[1] == "2024-04-01  version 1 verified", "made of other days"
    assert sum(row["clocks_started"] for row in expected) > 0
    assert sum(row["cases_breached"] for row in expected) > 0
