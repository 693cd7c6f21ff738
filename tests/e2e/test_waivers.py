"""A date whose totals can never match is released by a waiver of two people; no check is switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date

import pytest

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import Refused
from casegold.runtime.settings import Settings
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, operator_and_steward

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, WRONG, LAST = date(2024, 2, 24), date(2024, 2, 27), date(2024, 2, 29)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def logins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """An operator's and a steward's login."""
    with operator_and_steward(ControlDb(settings.owner_url()), monkeypatch) as both:
        yield both


def test_a_waived_date_is_published_and_says_so(settings: Settings, logins: tuple[str, str]) -> None:
    operator, steward = logins
    shape = ("--cases", 30, "--days", 6, "--seed", 4, "--until", LAST, "--duplicates", 0, "--out-of-order", 0)
    command("simulate", *shape, "--totals-error", WRONG)
    installation = Installation(settings)
    installation.work()
    assert installation.published(SNAPSHOT)[-1] == date(2024, 2, 26), "what passed before it is official"
    asked = (
        "waiver",
        "request",
        SNAPSHOT,
        "completeness",
        WRONG,
        "--reason",
        "the source lost a record",
        "--as",
        operator,
    )
    command(*asked)
    with pytest.raises(Refused):
        command("waiver", "approve", 1, "--as", operator)
    installation.work()
    assert installation.published(SNAPSHOT)[-1] == date(2024, 2, 26), "asked for is not approved"
    command("waiver", "approve", 1, "--as", steward)
    installation.work()
    assert installation.published(SNAPSHOT)[-1] == LAST
    rows = installation.platform.control.rows(
        "select partition_key, status, failures from quality_result where status = 'WAIVED'"
    )
    assert [(row["partition_key"], row["failures"]) for row in rows] == [(WRONG, 9)], "only where and what was waived"
    announced = installation.platform.control.rows(
        "select payload from outbox where type = 'DatasetVersionPublished' order by position"
    )
    assert [row["payload"]["qualityStatus"] for row in announced] == ["PASSED", "WAIVED", "PASSED"]
    assert [row["payload"]["datasetId"] for row in announced] == [SNAPSHOT, SNAPSHOT, REPORT]
    page = installation.platform.control.rows("select uri from version_artifact where media_type like 'text/html%'")
    with open(page[0]["uri"].removeprefix("file://"), encoding="utf-8") as file:  # noqa: PTH123
        assert "WAIVED" in file.read(), "the report names the quality of what it was made of"
    assert json.loads(command("show", SNAPSHOT, "--partition", WRONG, "--format", "json"))
