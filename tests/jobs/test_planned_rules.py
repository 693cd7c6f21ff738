"""A run that was planned before an upgrade: no version names rules that did not compute it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from casegold.domain.errors import Deferred
from casegold.domain.product import Product
from casegold.jobs.batch_job import execute
from casegold.jobs.ingest_pipelines import TOTALS
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import day_close_tick, domain_tick, planner_tick
from casegold.transform import version
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command

EVENTS = "silver/case_events"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": "2026-02-27", "business_clock": "2026-03-01T12:00:00+00:00"}


@pytest.mark.parametrize(("dataset", "transform"), [(SNAPSHOT, "snapshot"), (REPORT, "report")])
def test_a_run_that_waited_through_an_upgrade_is_planned_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, dataset: str, transform: str
) -> None:
    command("simulate", "--cases", 5, "--days", 2, "--seed", 1, "--until", "2026-02-28")
    installation = Installation(settings)
    platform = installation.platform
    for topic in (EVENTS, TOTALS):
        for attempt in domain_tick(platform, topic):
            execute(platform, attempt.run_id, attempt.attempt, "test")
    day_close_tick(platform)
    (planned,) = planner_tick(platform)
    if dataset == REPORT:
        execute(platform, planned.run_id, planned.attempt, "test")
        (planned,) = planner_tick(platform)
    assert planned.dataset == dataset

    known = version.versions

    def upgraded(products: Iterable[Product]) -> dict[str, str]:
        return known(products) | {transform: f"{transform}-9+0123456789ab"}

    monkeypatch.setattr(version, "versions", upgraded)
    with pytest.raises(Deferred, match=f"planned with {transform}-"):
        execute(platform, planned.run_id, planned.attempt, "test")
    installation.work()

    made = platform.control.rows(
        "select run_id, transform_version from dataset_version where dataset = %(dataset)s", {"dataset": dataset}
    )
    assert [each["transform_version"] for each in made] == [f"{transform}-9+0123456789ab"]
    assert made[0]["run_id"] != planned.run_id
