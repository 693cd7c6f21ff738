"""Restarts processes that die, after a pause (backoff); gives up when one keeps dying.

Not here: which processes there are and how each is started (`local` for servers, `stack` for their users).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casegold.domain.errors import SourceUnavailable
from casegold.servers import processes

STEADY_SECONDS = 60.0
"""A process that has lived so long has started well: its earlier deaths no longer count."""

LONGEST_PAUSE_SECONDS = 30.0
MOST_DEATHS = 8
"""Deaths in a row after which the supervisor gives up. The pauses between them add up to 91 s."""


@dataclass(frozen=True, slots=True)
class Member:
    """A supervised process."""

    name: str
    pid_file: Path
    log: Path
    start: Callable[[], None]
    """Starts it; for a server, returns once it answers. Raises SourceUnavailable if it does not."""
    ails: Callable[[], str] = lambda: ""
    """Why the process is unusable although it lives, and will not recover by itself; empty if it is fine."""
    stop: Callable[[], None] = lambda: None
    """Ends it if it is unusable."""


@dataclass(slots=True)
class Life:
    """The state of one member: when it started, how often it died in a row, when to restart it."""

    began: float
    deaths: int = 0
    again_at: float | None = None
    """Clock time of the next restart; None while it lives."""

    def died(self, now: float, *, counted: bool) -> float:
        """Record a death; return the pause before the restart, in seconds. `counted`: whether it counts as in a row."""
        if now - self.began >= STEADY_SECONDS:
            self.deaths = 0
        self.deaths += counted
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** max(0, self.deaths - 1))
        self.again_at = now + pause
        return pause

    def due(self, now: float) -> bool:
        """Whether it is dead and its pause is over."""
        return self.again_at is not None and now >= self.again_at


@dataclass(slots=True)
class Supervisor:
    """Supervises servers and their users. Users are started only while all servers live."""

    servers: Sequence[Member]
    users: Sequence[Member]
    addresses: Callable[[], object]
    """The servers' addresses. Users read them only at start: when they change, all users restart."""
    say: processes.Say
    clock: Callable[[], float] = time.monotonic
    _lives: dict[str, Life] = field(init=False)
    _known: object = field(init=False)
    _server_died: float = float("-inf")

    def __post_init__(self) -> None:
        self._known = self.addresses()
        self._lives = {each.name: Life(self.clock()) for each in (*self.servers, *self.users)}

    def look(self) -> None:
        """One tick: check all members, servers first, and restart those that are due.

        Raises:
            SourceUnavailable: a member keeps dying; the message has the end of its log.
        """
        for server in self.servers:
            if death := self._death_of(server):
                self._server_died = self.clock()
                self._mourn(server, death, counted=True)
        for server in self.servers:
            self._start_if_due(server)
        known, self._known = self._known, self.addresses()
        if self._known != known:  # changed by a restart here, or by another `casegold up`
            self._start_users_anew()
        for user in self.users:
            if death := self._death_of(user):
                # A user that started before the server died may have died because of that: not counted against it.
                self._mourn(user, death, counted=self._lives[user.name].began > self._server_died)
            if all(self._lives[server.name].again_at is None for server in self.servers):
                self._start_if_due(user)

    def _death_of(self, member: Member) -> str:
        """How it died since the last tick; empty if it lives. Ends an unusable process, which counts as a death."""
        if self._lives[member.name].again_at is not None:
            return ""
        if processes.find(member.pid_file) is None:
            return processes.last_words(member.pid_file)
        if complaint := member.ails():
            member.stop()
        return complaint

    def _mourn(self, member: Member, death: str, *, counted: bool) -> None:
        life, now = self._lives[member.name], self.clock()
        lived = now - life.began
        pause = life.died(now, counted=counted)
        if life.deaths >= MOST_DEATHS:
            raise SourceUnavailable(
                f"{member.name} {death}, for the {MOST_DEATHS}th time in a row, and is not started again:\n"
                f"{processes.tail(member.log)}",
                remedy=f"read {member.log}, fix the cause, and start `casegold dev` again",
            )
        self.say(f"{member.name} {death} after {lived:.0f} s and starts again in {pause:.0f} s; its log: {member.log}")

    def _start_if_due(self, member: Member) -> None:
        life = self._lives[member.name]
        if not life.due(self.clock()):
            return
        try:
            member.start()
        except SourceUnavailable as error:
            self.say(error.message.splitlines()[0])
        else:
            self.say(f"{member.name} runs again")
        # Also after a failed start: the next tick finds it dead and counts that, or alive and still starting.
        life.began, life.again_at = self.clock(), None

    def _start_users_anew(self) -> None:
        self.say("a server listens on another port now; the processes that use it restart")
        for user in self.users:
            user.stop()
            self._lives[user.name].again_at = self.clock()
