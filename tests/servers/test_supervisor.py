"""What keeps processes alive, on real ones that die as told; only the clock is the test's."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from casegold.domain.errors import SourceUnavailable
from casegold.servers import processes
from casegold.servers.supervisor import LONGEST_PAUSE_SECONDS, MOST_DEATHS, STEADY_SECONDS, Member, Supervisor

SLEEPS = "import time; time.sleep(600)"


class World:
    """A server and a user of it, a clock, and what was said."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 1000.0
        self.said: list[str] = []
        self.address = 1
        self.complaint = ""
        self.server, self.user = self.member("server"), self.member("user", ails=lambda: self.complaint)
        for each in (self.server, self.user):
            each.start()
        self.supervisor = Supervisor([self.server], [self.user], lambda: self.address, self.said.append, self.clock)

    def clock(self) -> float:
        return self.now

    def member(self, name: str, ails: object = lambda: "") -> Member:
        pid_file, log = self.directory / f"{name}.pid", self.directory / f"{name}.log"
        command = [sys.executable, "-c", SLEEPS]
        start = partial(processes.start, pid_file, 1, command, log)
        return Member(name, pid_file, log, start, ails, partial(processes.stop, pid_file, signal.SIGKILL))  # type: ignore[arg-type]

    def pid(self, member: Member) -> int | None:
        found = processes.find(member.pid_file)
        return None if found is None else found.process.pid

    def kill(self, member: Member) -> None:
        found = processes.find(member.pid_file)
        assert found is not None
        found.process.kill()
        while processes.find(member.pid_file) is not None:
            time.sleep(0.01)

    def look(self, after: float = 0.0) -> None:
        self.now += after
        self.supervisor.look()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for each in (world.server, world.user):
        processes.stop(each.pid_file, signal.SIGKILL)


def test_what_lives_is_left_alone(world: World) -> None:
    before = world.pid(world.server), world.pid(world.user)
    world.look(after=5)
    assert (world.pid(world.server), world.pid(world.user)) == before
    assert world.said == []


def test_what_died_starts_again_after_a_pause_and_it_is_told_in_a_line(world: World) -> None:
    world.kill(world.user)
    world.look(after=5)
    assert world.pid(world.user) is None
    (line,) = world.said
    assert line.startswith("user was killed by SIGKILL after 5 s and starts again in 1 s")
    assert "\n" not in line
    world.look(after=1)
    assert world.pid(world.user) is not None
    assert world.said[1:] == ["user runs again"]


def test_pauses_double_and_what_keeps_dying_ends_all_with_its_log(world: World) -> None:
    pauses = []
    for _ in range(MOST_DEATHS - 1):
        world.kill(world.server)
        world.look(after=1)
        pause = float(world.said[-1].split("starts again in ")[1].split()[0])
        world.look(after=pause - 0.1)
        assert world.pid(world.server) is None, "not before its time"
        world.look(after=0.1)
        pauses.append(pause)
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    world.server.log.write_text("out of memory", encoding="utf-8")
    world.kill(world.server)
    with pytest.raises(
        SourceUnavailable, match=f"server was killed by SIGKILL, for the {MOST_DEATHS}th time(.|\n)*out of memory"
    ):
        world.look(after=1)


def test_who_has_lived_for_a_while_begins_anew(world: World) -> None:
    for _ in range(MOST_DEATHS + 2):
        world.kill(world.user)
        world.look(after=STEADY_SECONDS)
        assert "starts again in 1 s" in world.said[-1]
        world.look(after=1)
        world.said.clear()


def test_what_uses_a_server_waits_for_it_and_is_not_blamed_for_its_death(world: World) -> None:
    for _ in range(MOST_DEATHS - 1):
        world.kill(world.server)
        world.kill(world.user)
        world.look(after=1)
        world.look(after=0.5)
        assert world.pid(world.user) is None, "its server is not there"
        while world.pid(world.user) is None:
            world.look(after=5)
        assert world.pid(world.server) is not None
    world.kill(world.user)
    world.look(after=1)
    assert "starts again in 1 s" in world.said[-1], "its first death while its server lives"


def test_when_a_server_moves_its_users_start_anew(world: World) -> None:
    before = world.pid(world.user)
    world.kill(world.server)
    world.look(after=1)
    start = world.server.start

    def elsewhere() -> None:
        start()
        world.address = 2

    world.supervisor.servers = [Member("server", world.server.pid_file, world.server.log, elsewhere)]
    world.look(after=1)
    assert world.pid(world.user) not in {None, before}


def test_what_ails_is_ended_and_starts_again(world: World) -> None:
    before = world.pid(world.user)
    world.complaint = "has lost its hat"
    world.look(after=1)
    assert world.said[0].startswith("user has lost its hat after 1 s and starts again in 1 s")
    world.complaint = ""
    world.look(after=1)
    assert world.pid(world.user) not in {None, before}


def test_a_server_that_does_not_start_is_tried_again(world: World) -> None:
    tries = []

    def fails() -> None:
        tries.append(world.now)
        raise SourceUnavailable("the disk is full\nand more")

    world.supervisor.servers = [Member("server", world.server.pid_file, world.server.log, fails)]
    world.kill(world.server)
    with pytest.raises(SourceUnavailable, match="is not started again"):
        for _ in range(200):
            world.look(after=1)
    assert len(tries) == MOST_DEATHS - 1
    assert "the disk is full" in world.said
