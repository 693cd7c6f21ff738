"""The examples for producers, run as they stand: what they send is accepted, counted and published."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from casegold.domain.events import EVENT_TYPES
from casegold.runtime.settings import Settings
from tests.e2e.installation import SNAPSHOT, Installation, command

EXAMPLES = Path(__file__).parents[2] / "examples" / "producers"
DAY = date(2024, 3, 1)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": DAY.isoformat(), "business_clock": "2024-03-02T00:00:00Z"}


def _java(settings: Settings) -> list[str]:
    """A Java that runs source files, with the files of Kafka that the local broker uses."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no java on the path")
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=True, timeout=60).stdout
    if "jdk.compiler" not in modules:
        pytest.skip(f"{java} has no compiler: it cannot run a source file")
    return [java, "-cp", f"{settings.jar_cache}/*", str(EXAMPLES / "CaseSystem.java")]


def _kcat(_: Settings) -> list[str]:
    if shutil.which("kcat") is None:
        pytest.skip("there is no kcat on the path")
    return ["sh", str(EXAMPLES / "case_system.sh")]


def _python(_: Settings) -> list[str]:
    return [sys.executable, str(EXAMPLES / "case_system.py")]


@dataclass(frozen=True)
class Example:
    command: Callable[[Settings], list[str]]
    events: int
    statuses: Mapping[str, str]
    """Of its cases at the end of the day."""


EXAMPLES_RUN = {
    "python": Example(_python, 6, {"py-case-1": "DECIDED", "py-case-2": "OPEN"}),
    "java": Example(_java, 4, {"java-case-1": "CLOSED"}),
    "kcat": Example(_kcat, 3, {"kcat-case-1": "CLOSED"}),
}


@pytest.mark.parametrize("tool", EXAMPLES_RUN)
def test_what_an_example_sends_becomes_official(settings: Settings, tool: str) -> None:
    example = EXAMPLES_RUN[tool]
    started, events = example.command(settings), example.events
    variables = {
        "KAFKA": settings.brokers(),
        "EVENTS_TOPIC": settings.events_topic,
        "TOTALS_TOPIC": settings.totals_topic,
        "DAY": DAY.isoformat(),
    }

    def run(revision: int) -> str:
        env = {**os.environ, **variables, "REVISION": str(revision)}
        done = subprocess.run(started, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f"{events} events and {len(EVENT_TYPES)} control totals of {DAY} sent" in run(1)
    told = command("check-events", "--topic", settings.events_topic)
    assert told == f"{events} records: {events} accepted, 0 duplicates, 0 rejected\n"
    assert f"{len(EVENT_TYPES)} accepted" in command("check-events", "--topic", settings.totals_topic)
    installation = Installation(settings)
    installation.work()
    assert installation.published(SNAPSHOT) == [DAY]
    assert {row["case_id"]: row["status"] for row in installation.rows(SNAPSHOT, DAY, DAY)} == example.statuses
    quality = installation.platform.control.rows("select distinct quality_status from dataset_version")
    assert [row["quality_status"] for row in quality] == ["PASSED"]

    run(2)
    installation.work()
    (counts,) = installation.platform.control.rows(
        "select sum(accepted) as accepted, sum(duplicates) as duplicates, sum(conflicts + rejected) as refused"
        " from ingest_commit where dataset = 'silver/case_events'"
    )
    assert (counts["accepted"], counts["duplicates"], counts["refused"]) == (events, events, 0)
