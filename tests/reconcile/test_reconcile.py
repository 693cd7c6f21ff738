"""Ledger, lake and topics agree after ordinary work; each kind of damage is found, and only that."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from casegold.control.db import ControlDb
from casegold.control.integrity import standing_checks
from casegold.control.integrity.standing_checks import Question
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ExitClass
from casegold.operations import reconciliation
from casegold.operations.standing_checks import answers
from casegold.runtime.settings import Settings
from casegold.sink.lake import move_head
from casegold.sink.staging import branch_name, create_branch
from platform_assets.nightly_maintenance import maintenance_job
from resources.platform import PlatformResource
from sensors.reconcile import reconcile_sensor
from tests.crash.restarts import let_time_pass, one_life
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.operations.house import announce

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 24), date(2024, 2, 29)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


def load() -> None:
    shares = ("--duplicates", 0.05, "--conflicting", 0.05, "--settled", "--poison", 0.05)
    command("simulate", "--cases", 25, "--days", 6, "--seed", 8, "--until", LAST, *shares)


@pytest.fixture
def house(settings: Settings) -> Installation:
    """Six official dates and their report, announced and heard."""
    load()
    installation = Installation(settings)
    installation.work()
    announce(installation)
    return installation


def differences(installation: Installation) -> dict[Question, int]:
    found = answers(installation.platform, reconciliation.ALL)
    return {answer.question: answer.count for answer in found if answer.count}


def change(installation: Installation, statement: str) -> None:
    with ControlDb(installation.platform.settings.owner_url()).write("by a test") as connection:
        connection.execute(statement)


def test_what_worked_agrees_and_is_not_looked_at_again(house: Installation) -> None:
    assert differences(house) == {}
    assert "Reconciliation" in command("reconcile")
    rows = house.platform.control.rows("select dataset from reconciliation order by dataset")
    assert [row["dataset"] for row in rows] == ["gold/breach_metrics", SNAPSHOT, REPORT]
    load()
    house.work()
    assert differences(house) == {}, "everything again is nothing new"


def test_a_lost_file_is_named(house: Installation) -> None:
    file = house.platform.lake.data_files(SNAPSHOT)[0].file_path
    Path(file.removeprefix("file://")).unlink()
    (answer,) = [each for each in answers(house.platform, [reconciliation.VERSIONS_AND_LAKE]) if each.count]
    assert [dict(row) for row in answer.sample] == [{"dataset": SNAPSHOT, "file": file, "problem": "does not exist"}]
    assert "does not exist" in command("reconcile", expect=ExitClass.VALIDATION_FAILED)


def test_rows_without_a_ledger_are_found(house: Installation) -> None:
    change(
        house,
        "update ingest_commit set records = records - 1, accepted = accepted - 1 where records = accepted"
        " or accepted > 0 and dataset = 'silver/case_events' and seq = 1",
    )
    assert differences(house)[reconciliation.LEDGER_AND_LAKE] >= 2


def test_a_gap_between_ranges_is_found(house: Installation) -> None:
    change(
        house,
        "update source_position set position = position + 1"
        " where consumer = 'silver/case_events' and kafka_partition = 0",
    )
    assert differences(house) == {standing_checks.POSITIONS: 1}


def test_a_delivery_that_nobody_met_is_found(house: Installation) -> None:
    change(
        house,
        "delete from trigger_ledger where event_id ="
        " (select id::text from outbox where type = 'DatasetVersionPublished' order by position limit 1)",
    )
    assert differences(house) == {standing_checks.UNHEARD: 1}


def test_an_event_that_is_not_sent_is_found_after_ten_minutes(house: Installation) -> None:
    change(
        house,
        "insert into outbox (id, aggregatetype, aggregateid, type, payload, created_at)"
        " values (gen_random_uuid(), 'dataset', 'd', 't', '{}', now() - interval '11 minutes')",
    )
    assert differences(house) == {standing_checks.UNDELIVERED: 1}
    announce(house)
    assert differences(house) == {}


def test_a_foreign_snapshot_is_found(house: Installation) -> None:
    assert differences(house) == {}
    move_head(house.platform.lake.table(SNAPSHOT), {"casegold.run-id": "somebody", "casegold.version": "99"})
    assert differences(house) == {reconciliation.VERSIONS_AND_LAKE: 1}


def test_a_file_that_nobody_names_is_found_once_maintenance_is_late(house: Installation) -> None:
    (beside, *_) = house.platform.lake.data_files(SNAPSHOT)
    stray = Path(beside.file_path.removeprefix("file://")).with_name("stray.parquet")
    stray.write_bytes(b"left behind")
    assert differences(house) == {}
    four_days_ago = time.time() - timedelta(days=4).total_seconds()
    os.utime(stray, (four_days_ago, four_days_ago))
    assert differences(house) == {reconciliation.ORPHANS: 1}
    command("maintain", SNAPSHOT)
    assert not stray.exists()
    assert differences(house) == {}


def test_a_stage_of_an_ended_run_is_dropped_by_a_fix(house: Installation) -> None:
    (run,) = house.platform.control.rows(
        "select run_id, attempt from dataset_version where dataset = %(dataset)s", {"dataset": SNAPSHOT}
    )
    lake = house.platform.lake
    head = lake.table(SNAPSHOT).metadata.current_snapshot_id
    assert head is not None
    create_branch(lake, SNAPSHOT, branch_name(run["run_id"], run["attempt"]), head)
    assert differences(house) == {reconciliation.DEAD_STAGES: 1}
    assert SNAPSHOT in command("reconcile", "--fix")
    assert differences(house) == {}


@pytest.mark.parametrize(("death", "versions"), [("version-prepare.after", []), ("publish-commit.after", [1])])
def test_a_version_that_a_dead_run_left_is_settled(settings: Settings, death: str, versions: list[int]) -> None:
    """Where its run was cancelled, nobody comes after it: the sensor asks for a run, or a person for the fix."""
    load()
    one_life(f"{death}:kill")
    installation = Installation(settings)
    platform = installation.platform
    (run,) = platform.control.rows("select run_id from dataset_version")
    command("cancel", run["run_id"], "--reason", "for a test")
    let_time_pass(platform.control)
    assert reconciliation.undecided(platform) == ((SNAPSHOT, 1),)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"platform": PlatformResource(settings)})
        asked = reconcile_sensor(maintenance_job).evaluate_tick(context).run_requests
        assert asked is not None
        assert [f"{SNAPSHOT}/1" in str(request.run_key) for request in asked] == [True]
    assert f"{SNAPSHOT}: settled" in command("reconcile", "--fix")
    assert reconciliation.undecided(platform) == ()
    rows = platform.control.rows("select version from dataset_version where state = 'COMPLETED'")
    assert [row["version"] for row in rows] == versions


def test_the_worker_settles_by_itself(settings: Settings) -> None:
    load()
    one_life("publish-commit.after:kill")
    installation = Installation(settings)
    (run,) = installation.platform.control.rows("select run_id from dataset_version")
    command("cancel", run["run_id"], "--reason", "for a test")
    let_time_pass(installation.platform.control)
    installation.work()
    assert reconciliation.undecided(installation.platform) == ()
