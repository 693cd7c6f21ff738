"""The Dagster instance of the repository, really opened on the installation's database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from casegold.control.db import ControlDb
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from casegold.servers import dagster_home
from resources.runs import LANE_TAG, tags_of


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    dagster_home.make(settings)
    for name, value in dagster_home.environment(settings).items():
        monkeypatch.setenv(name, value)
    return dg.DagsterInstance.get()


def test_there_is_one_instance_file_and_one_workspace_file(settings: Settings) -> None:
    home = dagster_home.make(settings)
    (home / "dagster.yaml").unlink()
    (home / "dagster.yaml").write_text("an older copy")
    assert (dagster_home.make(settings) / "dagster.yaml").samefile(REPOSITORY / "dagster.yaml")
    for name in ("dagster.yaml", "workspace.yaml"):
        found = subprocess.run(["git", "ls-files", f"*{name}"], cwd=REPOSITORY, capture_output=True, check=True)
        assert found.stdout.split() == [name.encode()]


def test_with_the_top_level_as_home_a_run_is_launched_in_the_installation(control: ControlDb) -> None:
    environment = os.environ | {"DAGSTER_HOME": str(REPOSITORY)}
    command = [sys.executable, "-m", "dagster", "job", "launch", "-w", "workspace.yaml", "-j", "ingest_control_totals"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert control.rows("select count(*) as runs from dagster.runs") == [{"runs": 1}]


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
