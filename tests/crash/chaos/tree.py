"""A real `casegold dev` with all its processes, as a service manager would keep it: a `dev` that ended starts again.

That is the only hand the test lends. Not here: what is done to the processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from casegold.runtime.settings import Settings
from casegold.servers import dagster_home, kafka, processes, stack
from casegold.servers.postgres import PostgresServer

DEV = [sys.executable, "-u", "-m", "casegold.cli.main", "dev", "--port", "0"]
READY = "Dagster UI: "
SERVERS = ("postgres", "kafka")
OF_THE_STACK = tuple(stack.PROCESSES)
ROLES = (*SERVERS, *OF_THE_STACK, "code server", "dev")
"""What must live for the platform to be whole; a run or a connection comes and goes."""


class Tree:
    """All processes of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = settings.home / "dev.log"
        self.ends: list[str] = []
        """How each `dev` ended that was started again."""
        self._dev: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    def keep(self) -> None:
        """Have a `dev`: start the first, or the next one where it has ended."""
        if self._dev is not None:
            code = self._dev.poll()
            if code is None:
                return
            self.ends.append(str(code))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._log_began = out.tell()
            self._dev = subprocess.Popen(DEV, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def wait_until_whole(self, seconds: float) -> float:
        """Wait until every role is filled; how long that took."""
        began = time.monotonic()
        deadline = began + seconds
        while missing := [role for role in ROLES if not self.lives(role)]:
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {missing}\n{processes.tail(self.log, 30)}"
            self.keep()
            time.sleep(0.5)
        return time.monotonic() - began

    def found(self, role: str) -> list[psutil.Process]:
        """The living processes in a role; also `backend` and `run`."""
        match role:
            case "dev":
                return [psutil.Process(self._dev.pid)] if self._dev and self._dev.poll() is None else []
            case "backend":
                return [each for server in self.found("postgres") for each in _children(server)]
            case "code server":
                return [each for each in self._marked() if "grpc" in _said(each)]
            case "run":
                return [each for each in self._marked() if "spawn_main" in " ".join(_said(each))]
            case _:
                return self._noted(role)

    def everything(self) -> list[psutil.Process]:
        """Supervisor, servers with their children, and whatever was started by any `dev`."""
        servers = [each for role in SERVERS for each in self.found(role)]
        return [
            *self.found("dev"),
            *servers,
            *(child for server in servers for child in _children(server)),
            *self._marked(),
        ]

    def lives(self, role: str) -> bool:
        """Whether it is there and, where that can be asked, answers."""
        found = self.found(role)
        match role:
            case "postgres":
                return bool(found) and PostgresServer(self.settings.home / "postgres").answers(self._port(role))
            case "kafka":
                return bool(found) and kafka.answers(self._port(role))
            case "code server":
                parents = {each.pid for role in ("daemon", "webserver") for each in self.found(role)}
                return len(parents & {parent for each in found if (parent := _parent(each))}) == 2
            case "dev":
                return bool(found) and READY.encode() in self.log.read_bytes()[self._log_began :]
            case _:
                return bool(found)

    def end(self) -> None:
        """As a person ends it: Ctrl-C, then `casegold down`. A frozen process is woken before."""
        for each in self.everything():
            with suppress(psutil.NoSuchProcess):
                each.resume()
        subprocess.run([*DEV[:-3], "down"], check=False, capture_output=True, timeout=300)
        if self._dev is not None:
            self._dev.wait(60)

    def _port(self, role: str) -> int:
        note = json.loads((self.settings.home / role / "server.pid").read_text(encoding="utf-8"))
        return int(note["port"])

    def _noted(self, role: str) -> list[psutil.Process]:
        pid_file = self.settings.home / role / "server.pid"
        if role in OF_THE_STACK:
            pid_file = dagster_home.directory(self.settings) / f"{role}.pid"
        running = processes.find(pid_file)
        return [] if running is None else [running.process]

    def _marked(self) -> list[psutil.Process]:
        return processes.marked(stack.MARK, str(self.settings.home))


def _children(process: psutil.Process) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        yield from process.children(recursive=True)


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _said(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
