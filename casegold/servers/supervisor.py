"""Keeps the processes of a running platform alive: what dies starts again after a pause; what keeps dying ends all.

Not here: what the processes are and how each is started (`local` for servers, `stack` for what uses them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casegold.domain.errors import SourceUnavailable
from casegold.servers import processes

STEADY_SECONDS = 60.0
"""Who has lived so long has started well: deaths before count no more."""

LONGEST_PAUSE_SECONDS = 30.0
MOST_DEATHS = 8
"""Deaths in a row after which nothing is tried any more. The pauses between them are 91 s together."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process that is kept alive."""

    name: str
    pid_file: Path
    log: Path
    start: Callable[[], None]
    """Starts it; a server also answers afterwards. Raises SourceUnavailable where it does not."""
    ails: Callable[[], str] = lambda: ""
    """What has become of it although it lives, and that it will not mend; empty for nothing."""
    stop: Callable[[], None] = lambda: None
    """Ends it when it ails."""


@dataclass(slots=True)
class Life:
    """What is known of one member: when it began, how often it died in a row, when it is started again."""

    began: float
    deaths: int = 0
    again_at: float | None = None
    """None while it lives."""

    def died(self, now: float, *, counted: bool) -> float:
        """Note a death; the pause before the next start, in seconds."""
        if now - self.began >= STEADY_SECONDS:
            self.deaths = 0
        self.deaths += counted
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** max(0, self.deaths - 1))
        self.again_at = now + pause
        return pause

    def due(self, now: float) -> bool:
        """Whether it is dead and its pause over."""
        return self.again_at is not None and now >= self.again_at


@dataclass(slots=True)
class Supervisor:
    """Looks at its members, servers first. What uses the servers is started only while all of them live."""

    servers: Sequence[Member]
    users: Sequence[Member]
    addresses: Callable[[], object]
    """Where the servers listen. Who uses them reads that once: when it changes, all of them start anew."""
    say: processes.Say
    clock: Callable[[], float] = time.monotonic
    _lives: dict[str, Life] = field(init=False)
    _known: object = field(init=False)
    _server_died: float = float("-inf")

    def __post_init__(self) -> None:
        self._known = self.addresses()
        self._lives = {each.name: Life(self.clock()) for each in (*self.servers, *self.users)}

    def look(self) -> None:
        """Look once at all, and start what is due.

        Raises:
            SourceUnavailable: one of them keeps dying; the message holds the end of its log.
        """
        for server in self.servers:
            if death := self._death_of(server):
                self._server_died = self.clock()
                self._mourn(server, death, counted=True)
        for server in self.servers:
            self._start_if_due(server)
        known, self._known = self._known, self.addresses()
        if self._known != known:  # `casegold up` may have started it elsewhere, too
            self._start_users_anew()
        for user in self.users:
            if death := self._death_of(user):
                # One that began before a server died may have died of that: it is no sign against the process itself.
                self._mourn(user, death, counted=self._lives[user.name].began > self._server_died)
            if all(self._lives[server.name].again_at is None for server in self.servers):
                self._start_if_due(user)

    def _death_of(self, member: Member) -> str:
        """How it died since the last look; empty where it lives. What ails is ended, which is a death as any other."""
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
                remedy=f"read {member.log}, mend the cause, and start `casegold dev` again",
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
        # Also where the start failed: the next look finds it dead and counts that, or alive and still at work on it.
        life.began, life.again_at = self.clock(), None

    def _start_users_anew(self) -> None:
        self.say("a server listens on another port now; whatever uses it starts anew")
        for user in self.users:
            user.stop()
            self._lives[user.name].again_at = self.clock()
