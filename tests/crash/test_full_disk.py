"""A file system that is full: the attempt says where and what to do, official figures stay, and space is all it takes.

The whole home of the installation, warehouse and spill, is on a file system of a few megabytes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from casegold.control.db import ControlDb
from casegold.domain.calendar import days
from casegold.domain.errors import ConfigurationError, ExitClass, SourceUnavailable
from casegold.jobs.views import engine
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from tests.crash.restarts import Worker, let_time_pass, restart_until_done
from tests.crash.test_fail_points import FIRST, LAST, OVERRIDES, load, send_late
from tests.e2e.installation import SNAPSHOT, Installation

MEGABYTES = 8

POINTS = {
    "append-bronze/case_events": "bronze/case_events",
    "stage-write": "stage of gold/case_daily_snapshot",
    "stage-commit": "stage of gold/case_daily_snapshot",
    "publish-commit": "version 2 of gold/case_daily_snapshot",
    "artifact-write": "artifacts/",
}
"""Effects before which the file system fills up, in the order of the work; and what the message names."""

MORE_THAN_FITS = """
    create table numbers as select i, md5(i::varchar) as digest from range(2000000) numbers(i) order by hash(i)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def overrides(tiny: Path) -> Mapping[str, str]:
    return {**OVERRIDES, "home": str(tiny / "home")}


def fill(place: Path) -> Path:
    """A file that takes all the space that is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            return ballast


def failures(control: ControlDb) -> list[str]:
    """Messages of the attempts that failed in the last worker, all of them for want of space."""
    failed = control.rows(
        "select exit_class, message from run_attempt where exit_class <> 0 and not_before > clock_timestamp()"
    )
    for attempt in failed:
        assert attempt["exit_class"] == ExitClass.SOURCE_UNAVAILABLE, attempt
        assert "no space is left for" in attempt["message"]
    return [attempt["message"] for attempt in failed]


def test_a_full_warehouse_stops_the_work_until_there_is_space(settings: Settings, tiny: Path) -> None:
    control = ControlDb(settings.control_url())
    load()
    restart_until_done(control, [])
    installation = Installation(settings)
    official = installation.rows(SNAPSHOT, FIRST, LAST)
    send_late(settings)
    for effect, named in POINTS.items():
        worker = Worker(f"{effect}.before:stop")
        assert worker.wait_until_stopped()
        ballast = fill(tiny)
        worker.go_on()
        print(effect, worker.end())
        messages = failures(control)
        assert any(named in message for message in messages), messages
        if effect != "artifact-write":
            assert installation.rows(SNAPSHOT, FIRST, LAST) == official
        ballast.unlink()
        let_time_pass(control)
    restart_until_done(control, [])
    restated = installation.rows(SNAPSHOT, FIRST, LAST)
    late = [row for row in restated if row["escalation_level"] == 9]
    assert {row["snapshot_date"] for row in late} == {day for day in days(FIRST, LAST) if day.day >= 27}
    assert [row for row in restated if row not in late] == [row for row in official if row in restated]


def test_a_full_place_to_spill_to_is_named(settings: Settings, tiny: Path) -> None:
    platform = open_platform(settings.model_copy(update={"duckdb_memory_limit": "60MB"}))
    (tiny / "home" / "spill").mkdir(parents=True)
    fill(tiny)
    with pytest.raises(SourceUnavailable, match=f"no space is left in {tiny}/home/spill"), engine(platform) as duckdb:
        duckdb.execute(MORE_THAN_FITS)


def test_memory_that_does_not_suffice_is_a_setting(settings: Settings) -> None:
    platform = open_platform(settings.model_copy(update={"duckdb_memory_limit": "10MB"}))
    with (
        pytest.raises(ConfigurationError, match="CASEGOLD_DUCKDB_MEMORY_LIMIT=10MB does not suffice"),
        engine(platform) as duckdb,
    ):
        duckdb.execute("select i, list(md5(i::varchar)) from range(1000000) numbers(i) group by i")
