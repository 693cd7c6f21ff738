"""Attempts in processes of their own: to Dagster the same as in its own, and nobody is dragged along when one dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, main_thread
from typing import Any

import dagster as dg
import psutil
import pytest

from casegold.control.db import ControlDb
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import run_until_idle
from platform_assets.build import build_defs
from resources.platform import PlatformResource
from resources.runs import DEFERRED_TAG, EXIT_CLASS_TAG
from tests.conftest import own_database, own_topics
from tests.platform.conftest import House, all_attempts, send

SENSORS = ("domain_events", "domain_totals", "day_close", "planner")
FIXED = {"first_date": "2026-01-01", "business_clock": "2026-03-04T12:00:00+00:00"}
VARIES = {"run", "seconds", "rows/s", "path", "computed by run"}
"""Metadata that differs from one installation, or one second, to another."""


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return FIXED | {"launcher": "subprocess"}


@contextmanager
def installed(servers: Settings, home: Path, launcher: str) -> Iterator[House]:
    with (
        pytest.MonkeyPatch.context() as patch,
        own_database(servers, home, patch, FIXED | {"launcher": launcher}) as database,
        own_topics(database) as settings,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        resource = PlatformResource(settings)
        yield House(open_platform(settings), build_defs(settings, resource), resource, instance)


def told(house: House) -> list[Any]:
    """What Dagster was told: every materialization, check and end of a run that finds one wrong total."""
    send("--totals-error", "2026-03-02")
    found: list[Any] = []
    for result in house.until_quiet(*SENSORS):
        found.append((result.job_def.name, result.success, house.run_tags(result).get(EXIT_CLASS_TAG)))
        for event in result.get_asset_materialization_events():
            shown = event.materialization
            metadata = {name: type(value).__name__ for name, value in shown.metadata.items()}
            plain = {
                name: value.value
                for name, value in shown.metadata.items()
                if name not in VARIES and isinstance(value, dg.IntMetadataValue)
            }
            found.append((shown.asset_key, shown.partition, metadata, plain, sorted(shown.tags or {})))
        for check in result.get_asset_check_evaluations():
            if check.partition is None:
                continue  # a standing question, asked by Dagster's own process
            facts = (check.check_name, check.partition, check.passed, check.severity, check.description)
            found.append((*facts, {name: str(value.value) for name, value in check.metadata.items()}))
    return found


def test_dagster_is_told_the_same_in_both_ways(servers: Settings, tmp_path: Path) -> None:
    with installed(servers, tmp_path / "a", "in-process") as house:
        expected = told(house)
    with installed(servers, tmp_path / "b", "subprocess") as house:
        assert told(house) == expected
    assert any(item[1:] == (False, "10") for item in expected)
    assert {"completeness", "continuity"} <= {item[0] for item in expected}


def test_a_killed_process_is_tried_again_and_the_work_converges(
    house: House, control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals")
    house.tick("day_close")
    for number, failpoint in enumerate(("publish-commit.before:kill", "publish-commit.after:kill"), 1):
        (request,) = house.tick("planner")
        with monkeypatch.context() as patch:
            patch.setenv("CASEGOLD_FAILPOINT", failpoint)
            killed = house.run(request)
        assert not killed.success
        assert house.run_tags(killed)[EXIT_CLASS_TAG] == "20"
        assert all_attempts(control)[-1] == ("gold/case_daily_snapshot", number, "LOST")
        assert control.rows("select from dataset_claim") == [], "known at once, not after a minute of silence"
        assert house.tick("planner") == [], "it waits for its pause"
        pause_ends(control)
    assert all(result.success for result in house.until_quiet(*SENSORS))
    rows = control.rows("select state, count(*)::int as n from dataset_version group by 1 order by 1")
    assert [tuple(row.values()) for row in rows] == [("ABANDONED", 1), ("COMPLETED", 1)]
    assert len(house.instance.get_materialized_partitions(dg.AssetKey(["gold", "case_daily_snapshot"]))) == 3


def test_the_sixth_kill_in_a_row_is_a_bug(house: House, control: ControlDb, monkeypatch: pytest.MonkeyPatch) -> None:
    send()
    monkeypatch.setenv("CASEGOLD_FAILPOINT", "append-bronze/control_totals.before:kill")
    classes = []
    for _ in range(6):
        (request,) = house.tick("domain_totals")
        classes.append(house.run_tags(house.run(request))[EXIT_CLASS_TAG])
        pause_ends(control)
    assert classes == ["20"] * 5 + ["50"]
    assert house.tick("domain_totals") == []
    (row,) = control.rows("select state, outcome ->> 'error' as error from run_manifest")
    assert row["state"] == "FAILED"
    assert "6 times in a row" in row["error"]


def test_a_process_that_dies_before_it_begins_is_a_failed_launch(
    house: House, control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    (request,) = house.tick("domain_totals")
    with monkeypatch.context() as patch:
        patch.setenv("CASEGOLD_TYPO", "1")
        assert house.run_tags(house.run(request))[EXIT_CLASS_TAG] == "40"
    assert house.tick("domain_totals") == []
    assert all_attempts(control) == [("bronze/control_totals", 1, "LAUNCH_FAILED")]


def test_a_terminated_run_ends_its_process_and_is_cancelled(
    house: House, control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    (request,) = house.tick("domain_totals")
    monkeypatch.setenv("CASEGOLD_FAILPOINT", "append-bronze/control_totals.before:hang")
    children: list[psutil.Process] = []
    terminating = Thread(target=terminate, args=(house, control, children))
    terminating.start()
    house.run(request)
    terminating.join()
    assert [child.is_running() for child in children] == [False]
    assert all_attempts(control) == [("bronze/control_totals", 1, "FAILED")]
    assert control.rows("select state from run_manifest") == [{"state": "CANCELLED"}]


def terminate(house: House, control: ControlDb, children: list[psutil.Process]) -> None:
    """Once the process works, end the run as Dagster does."""
    while not control.rows("select from run_attempt where state = 'RUNNING'"):
        time.sleep(0.1)
    time.sleep(1)
    (run,) = house.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    children += [each for each in psutil.Process().children() if "casegold.jobs.batch_job" in each.cmdline()]
    house.instance.report_run_canceling(run)
    signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def test_a_process_that_finds_its_dataset_claimed_is_labelled_as_deferred(house: House, control: ControlDb) -> None:
    send()
    (request,) = house.tick("domain_totals")
    with control.write("by a test") as connection:
        connection.execute(
            "insert into dataset_claim (dataset, run_id, attempt, token)"
            " select 'bronze/control_totals', run_id, attempt, gen_random_uuid() from run_attempt"
        )
    deferred = house.run(request)
    assert deferred.success
    assert "claimed" in house.run_tags(deferred)[DEFERRED_TAG]


def test_work_without_dagster_gives_each_attempt_its_process(house: House) -> None:
    send("--totals-error", "2026-03-02")
    idle = run_until_idle(house.platform)
    assert [int(done.exit_class) for done in idle.executions] == [0, 0, 10]
    assert "1 of 3" in idle.executions[-1].message or "2 of 3" in idle.executions[-1].message


def batch_job(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "casegold.jobs.batch_job", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_run_is_executed_by_its_id_alone(house: House, control: ControlDb, tmp_path: Path) -> None:
    send()
    (request,) = house.tick("domain_totals")
    run_id = request.tags["casegold/run_id"]
    file = tmp_path / "ended.json"
    done = batch_job("--run-id", run_id, "--tell", str(file))
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["outcome"]["summary"]["records"] > 0
    assert all_attempts(control) == [("bronze/control_totals", 1, "SUCCEEDED")]
    again = batch_job("--run-id", run_id)
    assert again.returncode == 0
    assert "is SUCCEEDED, and no attempt of it may begin now" in again.stderr
    assert batch_job("--run-id", "f" * 64).returncode == 40


def pause_ends(control: ControlDb) -> None:
    with control.write("by a test") as connection:
        connection.execute("update run_attempt set not_before = '-infinity'")
