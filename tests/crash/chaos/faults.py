"""What is done to the processes, drawn from a seed. Not here: what must hold afterwards."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from tests.crash.chaos.tree import ROLES, SERVERS, Tree

KILLED_ALONE = ("postgres", "backend", "kafka", "daemon", "webserver", "relay", "code server", "run", "dev")
FROZEN = ("postgres", "kafka", "daemon", "code server", "relay", "run", "dev")
KILL_ALL, KILL_CLIENTS, KILL_SERVERS = "kill everything at once", "kill all but the servers", "kill both servers"
FREEZE_LONG = "freeze a run until it is taken for dead"
WEIGHTS = {
    **{f"kill {role}": 2 for role in KILLED_ALONE},
    "kill run": 4,
    KILL_ALL: 2,
    KILL_CLIENTS: 2,
    KILL_SERVERS: 1,
    "freeze": 3,
    FREEZE_LONG: 1,
    "Ctrl-C": 1,
    "SIGTERM": 1,
}
SECONDS_BETWEEN = (3.0, 15.0)
FROZEN_SECONDS = (2.0, 20.0)
LONG_FROZEN_SECONDS = 75.0
LOOK_SECONDS = 0.5
IDLE_START_SECONDS = 15.0
LONGEST_HEAL_SECONDS = 180.0
AWAY_TOO_LONG_SECONDS = 90.0
"""A start takes 15 s, and a fault comes every 9 s on average: now and then one start after the other is killed."""


@dataclass
class Faults:
    """Faults over a tree, one after the other; what was done, and how long it took until all was there again."""

    tree: Tree
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    healed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pace: float = 1.0
    """How many times slower than an idle machine this one is; limits and pauses grow with it."""
    _began: float = field(default_factory=time.monotonic)
    _hurt: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Role -> since when it is away, and what was done to it."""
    _frozen: list[tuple[float, psutil.Process]] = field(default_factory=list)
    """Until when, and who."""

    def keep_pace_with(self, seconds: float) -> None:
        """Leave the platform as much between two faults as on an idle machine, where it starts in 15 s.

        Args:
            seconds: how long it took here.
        """
        self.pace = max(1.0, seconds / IDLE_START_SECONDS)
        self._say(f"started in {seconds:.0f} s: a fault every {self.pace * sum(SECONDS_BETWEEN) / 2:.0f} s")

    def happen(self, number: int) -> None:
        """So many faults, at random instants."""
        while self.done.total() < number:
            self._pass(self.pace * self.chance.uniform(*SECONDS_BETWEEN))
            while self._is_away_too_long():
                self._pass(LOOK_SECONDS)
            (what,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            victims = self._do(what)
            if victims:
                self.done[what] += 1
                self._say(f"{self.done.total():>3} {what}: {victims}")

    def _is_away_too_long(self) -> bool:
        """Whether a role was killed so often that it could not start. Left alone, it has to come back in time."""
        now = time.monotonic()
        return any(now - since > self.pace * AWAY_TOO_LONG_SECONDS for since, _ in self._hurt.values())

    def end(self) -> None:
        """Wake who is frozen, and wait until the tree is whole."""
        for _, process in self._frozen:
            _wake(process)
        self._frozen.clear()
        while self._hurt:
            self._look()
            time.sleep(LOOK_SECONDS)
        self.tree.wait_until_whole(self.pace * LONGEST_HEAL_SECONDS)

    def report(self) -> str:
        """A line for each kind of fault."""
        lines = [f"{'fault':<42}{'count':>6}{'longest time to heal':>24}"]
        for what, count in sorted(self.done.items()):
            times = self.healed.get(what)
            lines.append(f"{what:<42}{count:>6}{f'{max(times):.0f} s' if times else '-':>24}")
        lines.append(f"{'all':<42}{self.done.total():>6}")
        return "\n".join(lines)

    def _do(self, what: str) -> str:
        """Do it; to whom it was done, empty where nobody was there."""
        if what.startswith("kill"):
            return self._kill(*self._victims(what), what)
        if what == FREEZE_LONG:
            return self._freeze("run", LONG_FROZEN_SECONDS)
        if what == "freeze":
            return self._freeze(self.chance.choice(FROZEN), self.chance.uniform(*FROZEN_SECONDS))
        return self._ask_to_end(signal.SIGINT if what == "Ctrl-C" else signal.SIGTERM)

    def _victims(self, what: str) -> tuple[list[psutil.Process], Collection[str]]:
        """Whom to kill, and the roles that are to be filled again."""
        found = self.tree.found
        if what == KILL_ALL:
            return self.tree.everything(), ROLES
        if what == KILL_CLIENTS:
            spared = [each for role in (*SERVERS, "backend") for each in found(role)]
            return [each for each in self.tree.everything() if each not in spared], set(ROLES) - set(SERVERS)
        if what == KILL_SERVERS:
            return [each for role in SERVERS for each in found(role)], SERVERS
        role = what.removeprefix("kill ")
        alone = found(role)
        return ([self.chance.choice(alone)] if alone else []), {role} & set(ROLES)

    def _kill(self, victims: list[psutil.Process], roles: Collection[str], what: str) -> str:
        if not victims:
            return ""
        for each in victims:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        for role in roles:
            self._hurt.setdefault(role, (time.monotonic(), what))
        return f"{len(victims)} processes" if len(victims) > 1 else f"process {victims[0].pid}"

    def _freeze(self, role: str, seconds: float) -> str:
        found = self.tree.found(role)
        if not found:
            return ""
        victim = self.chance.choice(found)
        with suppress(psutil.NoSuchProcess):
            victim.suspend()
        self._frozen.append((time.monotonic() + seconds, victim))
        return f"{role} {victim.pid} for {seconds:.0f} s"

    def _ask_to_end(self, number: signal.Signals) -> str:
        for dev in self.tree.found("dev"):
            dev.send_signal(number)
            return f"process {dev.pid}"
        return ""

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        """Wake who has slept enough, restart a `dev` that ended, and note who is there again."""
        now = time.monotonic()
        for until, process in [each for each in self._frozen if each[0] <= now]:
            _wake(process)
            self._frozen.remove((until, process))
        before = len(self.tree.ends)
        self.tree.keep()
        if len(self.tree.ends) > before:
            self._say(f"    dev ended with {self.tree.ends[-1]} and is started again")
        for role, (since, what) in list(self._hurt.items()):
            away = now - since
            if away > LOOK_SECONDS and self.tree.lives(role):
                del self._hurt[role]
                self.healed[what].append(away)
            assert away < self.pace * LONGEST_HEAL_SECONDS, f"{role} is away since {away:.0f} s, after: {what}"

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} {line}", flush=True)


def _wake(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
