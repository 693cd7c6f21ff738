"""The Dagster instance of the repository, really opened on the installation's database."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from casegold.manifest.db import ControlDb
from casegold.runtime.services import dagster_home
from casegold.runtime.settings import Settings
from resources.runs import LANE_TAG, tags_of


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    dagster_home.make(settings)
    for name, value in dagster_home.environment(settings).items():
        monkeypatch.setenv(name, value)
    return dg.DagsterInstance.get()


def test_its_storage_is_a_schema_of_the_control_database(instance: dg.DagsterInstance, control: ControlDb) -> None:
    @dg.job(tags=tags_of("compute"))
    def anything() -> None:
        """Nothing: only its record counts."""

    assert anything.execute_in_process(instance=instance).success
    assert instance.get_runs_count(dg.RunsFilter(tags={LANE_TAG: "compute"})) == 1
    assert control.rows("select count(*) as runs from dagster.runs") == [{"runs": 1}]
    assert control.rows("select 1 from pg_tables where schemaname = 'public'") == []


def test_a_slot_is_kept_for_reading_events(instance: dg.DagsterInstance) -> None:
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, QueuedRunCoordinator)
    limits = coordinator.get_run_queue_config()
    (compute,) = limits.tag_concurrency_limits
    assert (compute["key"], compute["value"]) == next(iter(tags_of("compute").items()))
    assert compute["limit"] < limits.max_concurrent_runs


def test_its_files_lie_in_the_home_and_nothing_is_reported(instance: dg.DagsterInstance, settings: Settings) -> None:
    assert Path(instance.storage_directory()).is_relative_to(settings.home)
    assert not instance.telemetry_enabled
    assert instance.run_monitoring_enabled
