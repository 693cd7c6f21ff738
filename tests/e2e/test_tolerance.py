"""What a contract tolerates is published, and told wherever the figures are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import Tolerance
from casegold.runtime.platform import Platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import run_until_idle
from casegold.sink.lake import local_path
from tests.e2e.installation import REPORT, SNAPSHOT, Installation
from tests.e2e.test_incomplete_figures import count, opened, send

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 28), date(2024, 2, 29)
REASON = "agreed with the board"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


def tolerating(platform: Platform, facts: int) -> Platform:
    """The platform under a contract that tolerates so many rejected facts of a date."""
    contract = platform.contracts[SNAPSHOT]
    tolerance = Tolerance(facts, None, REASON)
    checks = tuple(replace(c, tolerance=tolerance) if c.name == "no_rejected_facts" else c for c in contract.checks)
    changed = replace(contract, checks=checks, digest=f"{facts:064x}")
    contracts = type(platform.contracts)([changed if each is contract else each for each in platform.contracts])
    return replace(platform, contracts=contracts)


def test_what_was_tolerated_is_in_result_version_announcement_and_report(settings: Settings) -> None:
    installation = Installation(settings)
    rejected = [opened(n, day=FIRST, priority="low") for n in range(2)]
    send(settings, [opened(9, day=FIRST), *rejected])
    as_of = CALENDAR.end_of(LAST)
    count(settings, {FIRST: 3, LAST: 0}, as_of=as_of)
    run_until_idle(tolerating(installation.platform, facts=1))
    assert installation.published(SNAPSHOT) == [], "two are more than one"
    run_until_idle(tolerating(installation.platform, facts=2))
    assert installation.published(SNAPSHOT) == [FIRST, LAST]
    control = installation.platform.control
    results = control.rows(
        "select partition_key, failures, detail from quality_result where status = 'TOLERATED' order by 1"
    )
    assert [(row["partition_key"], row["failures"]) for row in results] == [(FIRST, 2)]
    told = {
        "check": "no_rejected_facts",
        "partitions": 1,
        "partitionFrom": "2024-02-28",
        "partitionTo": "2024-02-28",
        "failures": 2,
        "reason": f"the contract tolerates up to 2 facts: {REASON}",
    }
    versions = control.rows("select dataset, tolerated, quality_status from dataset_version order by dataset")
    assert {row["dataset"]: row["tolerated"] for row in versions} == {SNAPSHOT: [told], REPORT: []}
    announced = control.rows("select payload from outbox where type = 'DatasetVersionPublished' order by position")
    assert [(each["payload"]["datasetId"], each["payload"]["tolerated"]) for each in announced] == [
        (SNAPSHOT, [told]),
        (REPORT, []),
    ]
    (page,) = control.rows("select uri from version_artifact where media_type like 'text/html%'")
    text = Path(local_path(page["uri"])).read_text(encoding="utf-8")
    assert "Some facts are not in these figures" in text
    assert REASON in text
