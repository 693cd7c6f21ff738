"""A real Dagster daemon and its runs, killed again and again while they work; and two daemons of one installation.

The seed is printed, and `SOAK_SEED` replays the choices; what is under way at an instant differs all the same.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import psutil
import pytest

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.sql import query
from casegold.runtime.settings import Settings
from casegold.servers import dagster_home, processes, stack
from casegold.sink.relay import relay_once
from casegold.source.simulate import Plan, simulate
from tests.crash.final_state import final_state
from tests.crash.restarts import let_time_pass
from tests.e2e.installation import SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 18), date(2024, 2, 29)
PLAN = Plan(40, 12, 9, LAST, CALENDAR)
SEED = int(os.environ.get("SOAK_SEED", str(random.randrange(10**6))))
PATIENCE_SECONDS = 300.0
RUN_WORKER = "spawn_main"
"""What a run has on its command line: the code server spawns it."""
DAEMON = "dagster._daemon"
WHERE_IT_MATTERS = pytest.mark.long("sensors/", "casegold/scheduling/worker.py", "casegold/control/runs/attempts.py")


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": FIRST.isoformat(),
        "business_clock": CALENDAR.end_of(LAST).isoformat(),
        "ingest_chunk_records": "60",
    }


class Daemon:
    """Dagster's daemon of one installation, without the UI."""

    def __init__(self, settings: Settings, name: str = "daemon", environment: Mapping[str, str] | None = None) -> None:
        self._home = dagster_home.make(settings)
        yaml = self._home / "dagster.yaml"
        impatient = re.sub("start_timeout_seconds: [0-9]+", "start_timeout_seconds: 45", yaml.read_text("utf-8"))
        yaml.unlink()  # a link to the only instance file that there is
        yaml.write_text(impatient)
        self._environment = dagster_home.process_environment(settings) | dict(environment or {})
        self._pid_file = self._home / f"{name}.pid"
        self._family: dict[int, psutil.Process] = {}
        subprocess.run(
            [sys.executable, "-m", "dagster", "instance", "info"],
            env=self._environment,
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        command = [sys.executable, *stack.PROCESSES["daemon"]]
        processes.start(
            self._pid_file, 0, command, self.log, environment=self._environment, directory=Path(__file__).parents[2]
        )

    @property
    def log(self) -> Path:
        return self._pid_file.with_suffix(".log")

    def processes(self) -> list[psutil.Process]:
        """The daemon, the code server and the runs, also those whose parents were killed."""
        running = processes.find(self._pid_file)
        if running is not None:
            with suppress(psutil.NoSuchProcess):
                family = [running.process, *running.process.children(recursive=True)]
                self._family |= {each.pid: each for each in family}
        return [each for each in self._family.values() if self.said(each)]

    def runs(self) -> list[psutil.Process]:
        return [each for each in self.processes() if RUN_WORKER in self.said(each)]

    @staticmethod
    def said(process: psutil.Process) -> str:
        """The command line of a process; empty where it has ended."""
        try:
            return " ".join(process.cmdline())
        except psutil.NoSuchProcess:  # a zombie, too
            return ""

    def lives(self) -> bool:
        return processes.find(self._pid_file) is not None

    def end(self) -> None:
        self.processes()
        processes.stop(self._pid_file, signal.SIGKILL)
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                each.kill()


@pytest.fixture
def daemon(settings: Settings) -> Iterator[Daemon]:
    daemon = Daemon(settings)
    yield daemon
    daemon.end()


def wait_until(what: str, ready: Callable[[], bool], *, seconds: float = 0.2) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(seconds)


@pytest.mark.parametrize("kills", [2, pytest.param(5, marks=WHERE_IT_MATTERS)])
def test_a_daemon_and_runs_killed_again_and_again(settings: Settings, daemon: Daemon, kills: int) -> None:
    print(f"SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    control = ControlDb(settings.control_url())
    feed = ("simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST)
    command(*feed)
    daemon.start()
    for number in range(1, kills + 1):
        if number > 2:
            command(*feed, "--totals-revision", number)  # there is always something to do
        wait_until("a run", lambda: bool(daemon.runs()))
        time.sleep(chance.uniform(0, 4))
        kill_one(daemon, chance)
        let_time_pass(control)
    converge(settings, [daemon], control)
    assert_all_right(settings, control)


@WHERE_IT_MATTERS
def test_two_daemons_of_one_installation(settings: Settings, daemon: Daemon) -> None:
    """Dagster advises against it, and a slow handover from one machine to another does it all the same.

    Both tick every sensor and launch what they find; the control database lets one of them have each effect.
    """
    control = ControlDb(settings.control_url())
    other = Daemon(settings, "daemon-2")
    command("simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST)
    try:
        daemon.start()
        other.start()
        converge(settings, [daemon, other], control)
    finally:
        other.end()
    assert_all_right(settings, control)
    versions = control.rows("select dataset, partition_key from version_partition group by 1, 2 having count(*) > 1")
    assert versions == [], "nothing changed, and yet something was published again"
    for each in (daemon, other):
        assert "Checking for new runs for sensor: planner" in each.log.read_text("utf-8")


def assert_all_right(settings: Settings, control: ControlDb) -> None:
    """The oracle's rows, each effect once, and no run left open."""
    installation = Installation(settings)
    facts = facts_of(sent.event for sent in simulate(PLAN) if sent.event is not None)
    ends = {day: CALENDAR.end_of(day) for day in days(FIRST, LAST)}
    assert installation.rows(SNAPSHOT, FIRST, LAST) == snapshots(facts, ends)
    final_state(installation.platform)
    (left,) = control.rows("select count(*) as runs from run_manifest where state not in ('SUCCEEDED', 'SUPERSEDED')")
    assert left["runs"] == 0


def kill_one(daemon: Daemon, chance: random.Random) -> None:
    """The daemon or one of its runs, as chance will have it."""
    victims = daemon.runs()
    if not victims or chance.random() < 0.5:
        victims = [each for each in daemon.processes() if DAEMON in daemon.said(each)]
    victim = chance.choice(victims)
    print("killed", daemon.said(victim)[:120])
    with suppress(psutil.NoSuchProcess):  # it ended by itself a moment ago
        victim.kill()
        victim.wait(10)
    if not daemon.lives():
        daemon.start()


def converge(settings: Settings, daemons: Sequence[Daemon], control: ControlDb) -> None:
    """Wait until all is published, announced and heard, and no run of Dagster is left open."""
    prefix = settings.outbox_topic_prefix

    def done() -> bool:
        assert all(daemon.lives() for daemon in daemons)
        if not any(daemon.runs() for daemon in daemons):
            let_time_pass(control)
        relay_once(control, settings.kafka_config(), prefix)
        (row,) = control.rows(query("casegold.servers", "demo_progress"))
        (work,) = control.rows("select count(*) as runs from run_manifest where state = 'OPEN'")
        (heard,) = control.rows(
            "select coalesce(sum(position), 0)::int as events from source_position where consumer = 'publish_events'"
        )
        published = row["closed"] == row["snapshots"] == len(list(days(FIRST, LAST))) and row["reports"] == 1
        idle = row["unannounced"] == work["runs"] == row["executing"] == 0
        return bool(published and idle and heard["events"] == row["announced"] > 0)

    wait_until("all done", done, seconds=2)
