"""Where the business clock stands still, Dagster's partitions end with it."""

from __future__ import annotations

import dagster as dg
import pytest

from casegold.control import installation
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.settings import Settings
from platform_assets.build import build_defs
from tests.platform.conftest import House, send

INGEST = ("domain_events", "domain_totals", "day_close")


def last_keys(defs: dg.Definitions) -> dict[str, str | None]:
    graph = defs.resolve_asset_graph()
    partitioned = {
        key: graph.get(key).partitions_def for key in graph.get_all_asset_keys() if graph.get(key).partitions_def
    }
    return {key.to_user_string(): each.get_last_partition_key() for key, each in partitioned.items() if each}


def test_partitions_end_with_the_last_period_that_is_over(house: House) -> None:
    assert last_keys(house.defs) == {
        "gold/case_daily_snapshot": "2026-03-03",
        "gold/breach_metrics": "2025-10-01",
        "reports/enforcement_report": "2026-02-01",
    }


def test_once_started_the_installation_counts_and_no_longer_the_setting(house: House, control: ControlDb) -> None:
    installation.set_business_clock(control, "2026-03-10T00:00:00Z", "test")
    assert last_keys(build_defs(house.platform.settings))["gold/case_daily_snapshot"] == "2026-03-09"
    installation.set_business_clock(control, "system", "test")
    today = dg.TimeWindowPartitionsDefinition(start="2026-01-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * *")
    assert last_keys(build_defs(house.platform.settings))["gold/case_daily_snapshot"] == today.get_last_partition_key()


def test_before_the_first_start_the_setting_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    never_started = Settings(home=tmp_path_factory.mktemp("home"), business_clock="2012-01-24T00:00:00Z")
    assert last_keys(build_defs(never_started))["gold/case_daily_snapshot"] == "2012-01-23"


@pytest.mark.parametrize(
    ("zone", "clock", "last"),
    [
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-03"),  # 2018-11-04 has no midnight
        ("Pacific/Apia", "2011-12-31T10:00:00Z", "2011-12-31"),  # after the day that Apia skipped
        ("Europe/Amsterdam", "2012-01-23T22:59:59Z", "2012-01-22"),
        ("Europe/Amsterdam", "2012-01-23T23:00:00Z", "2012-01-23"),
    ],
)
def test_the_last_date_is_one_of_the_business_time_zone(
    zone: str, clock: str, last: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("home"), time_zone=zone, business_clock=clock)
    assert last_keys(build_defs(settings))["gold/case_daily_snapshot"] == last


def test_a_started_installation_that_does_not_answer_is_no_reason_to_guess(settings: Settings) -> None:
    silent = settings.model_copy(update={"postgres_url": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(SourceUnavailable, match="does not answer"):
        build_defs(silent)


def test_a_clock_that_was_moved_after_loading_asks_for_a_reload_and_nothing_is_lost(house: House) -> None:
    installation.set_business_clock(house.platform.control, "2026-03-02T00:00:00Z", "test")
    loaded = build_defs(house.platform.settings, house.resource)
    send()
    installation.set_business_clock(house.platform.control, "2026-03-04T12:00:00Z", "test")
    stale = House(house.platform, loaded, house.resource, house.instance)
    stale.until_quiet(*INGEST)
    with pytest.raises(ConfigurationError, match="the business clock was moved"):
        stale.tick("planner")
    reloaded = House(
        house.platform, build_defs(house.platform.settings, house.resource), house.resource, house.instance
    )
    (request,) = reloaded.tick("planner")
    assert reloaded.run(request).success
