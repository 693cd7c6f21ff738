"""Servers of their own, killed under a worker and started again: what the worker leaves is what it would have left.

A worker stops itself at a fail point; then its server is killed. Either it goes on without the server, or it goes on
once the server is back, or it is killed, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from casegold.control.db import ControlDb
from casegold.domain.errors import ExitClass
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.servers import local, processes
from tests.conftest import own_database, own_topics
from tests.crash.final_state import final_state
from tests.crash.restarts import MOST_RESTARTS, Ended, Worker, let_time_pass, restart_until_done
from tests.crash.test_fail_points import OVERRIDES, assert_same, load

NO_PERSON_NEEDED = {None, ExitClass.SUCCESS, ExitClass.SOURCE_UNAVAILABLE, ExitClass.COMMIT_UNKNOWN}
DATABASE, BROKER = "postgres", "kafka"


class Then(Enum):
    """What becomes of the worker whose server was killed."""

    WITHOUT = "goes on without the server"
    AFTER = "goes on once the server is back"
    DEAD = "is killed, too"


@pytest.fixture
def own(own_servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation on these servers."""
    with (
        own_database(own_servers, tmp_path / "home", monkeypatch, OVERRIDES) as database,
        own_topics(database) as settings,
    ):
        yield settings


def kill(servers: Settings, names: list[str]) -> None:
    """`kill -9` of a server's process; what it started finds out by itself."""
    for name in names:
        running = processes.find(servers.home / name / "server.pid")
        assert running is not None, f"{name} does not run"
        running.process.kill()
        running.process.wait()


def stopped(control: ControlDb, at: str) -> Worker:
    """The first worker that comes to a point, and has stopped there; what was due may have to wait after a death."""
    for _ in range(MOST_RESTARTS):
        worker = Worker(f"{at}:stop", impatient=True)
        if worker.wait_until_stopped():
            return worker
        let_time_pass(control)
    raise AssertionError(f"no worker came to {at}")


def a_life_that_loses(servers: Settings, control: ControlDb, names: list[str], at: str, then: Then) -> Ended | None:
    """One worker whose servers are killed when it reaches a point; how it ended, unless it was killed."""
    worker = stopped(control, at)
    kill(servers, names)
    ended = None
    try:
        if then is Then.WITHOUT:
            worker.go_on()
            ended = worker.end()
    finally:
        local.start_servers(servers, print)  # what `casegold up` begins with
    if then is Then.AFTER:
        worker.go_on()
        ended = worker.end()
    if then is Then.DEAD:
        worker.die()
    assert ended is None or ended.error in NO_PERSON_NEEDED, ended
    return ended


STORIES = {
    "the broker, again and again": (
        (BROKER, "attempt-start.after", Then.WITHOUT),
        (BROKER, "append-bronze/case_events.after", Then.DEAD),
        (BROKER, "relay-send.before", Then.WITHOUT),
        (BROKER, "relay-send.after", Then.DEAD),
    ),
    "the database, between prepare and commit": (
        (DATABASE, "version-prepare.after", Then.DEAD),
        (DATABASE, "version-prepare.after", Then.WITHOUT),
        (DATABASE, "version-prepare.after", Then.AFTER),
    ),
    "the database, between commit and complete": (
        (DATABASE, "publish-commit.after", Then.WITHOUT),
        (DATABASE, "publish-commit.after", Then.AFTER),  # the snapshots are settled before: these are the report's
    ),
    "both": (
        (f"{BROKER} {DATABASE}", "append-silver/case_events.after", Then.DEAD),
        (f"{BROKER} {DATABASE}", "relay-send.after", Then.AFTER),
    ),
}
"""What dies, at which point of the next worker, and what the worker does then."""


@pytest.mark.sampled
@pytest.mark.parametrize("story", STORIES)
def test_dying_servers_change_nothing(
    own_servers: Settings, own: Settings, loaded_once: dict[str, Any], story: str
) -> None:
    control = ControlDb(own.control_url())
    load()
    for names, at, then in STORIES[story]:
        ended = a_life_that_loses(own_servers, control, names.split(), at, then)
        print(at, then, ended)
        let_time_pass(control)
    restart_until_done(control, [])
    assert_same(final_state(open_platform(own)), loaded_once)
    classes = {row["exit_class"] for row in control.rows("select distinct exit_class from run_attempt")}
    assert classes <= NO_PERSON_NEEDED, "a person was needed"
