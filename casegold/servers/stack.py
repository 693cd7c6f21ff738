"""The platform's own processes: Dagster's UI and daemon, and the relay. Not here: the servers they use (`local`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import WORKSPACE_FILE
from casegold.servers import dagster_home, local, processes
from casegold.servers.supervisor import Member

PATIENCE_SECONDS = 20.0
"""How long the processes may take to end after a signal."""

FAREWELL_SECONDS = 5.0
"""How long their children may take to end after them. A run that is killed then is taken over, as after any crash."""

STARTING_SECONDS = 180.0

LONGEST_END_SECONDS = 150.0
"""How long `casegold dev` may take to end them all."""

_WORKSPACE = ("-w", str(WORKSPACE_FILE))
PROCESSES: dict[str, tuple[str, ...]] = {
    "webserver": ("-m", "resources.webserver", "-h", "127.0.0.1", "-p", "{port}", *_WORKSPACE),
    "daemon": ("-m", "dagster._daemon", "run", *_WORKSPACE),
    "relay": ("-m", "casegold.cli.main", "relay"),
}
"""Name -> arguments of Python. The UI has no logins: it listens on the loopback interface only, behind a guard."""


MARK = "RUN_BY_CASEGOLD_DEV"
"""An environment variable with the home directory. All child processes inherit it; it identifies orphaned ones."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The started processes of a running platform."""

    home: Path
    """Dagster's home directory."""
    port: int
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """The UI's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start one of `PROCESSES`."""
        command = [sys.executable, *(word.format(port=self.port) for word in PROCESSES[name])]
        pid_file, log = _pid_file(self.home, name), _log(self.home, name)
        processes.start(pid_file, self.port, command, log, environment=self.environment, directory=Path.cwd())

    def answers(self) -> bool:
        """Whether the UI answers."""
        return processes.answers(self.port)

    def wait(self) -> None:
        """Wait until the UI answers. Raises SourceUnavailable if the webserver ends first, or takes too long."""
        pid_file, log = _pid_file(self.home, "webserver"), _log(self.home, "webserver")
        processes.wait_until(self.answers, pid_file, "the UI", log, STARTING_SECONDS)

    def members(self) -> list[Member]:
        """The processes, for the supervisor.

        The daemon replaces its code server every minute, dead or alive. The webserver never does, so it is watched.
        """
        return [
            Member(
                name,
                _pid_file(self.home, name),
                _log(self.home, name),
                partial(self.start, name),
                CodeServerWatch(_pid_file(self.home, name)) if name == "webserver" else lambda: "",
                partial(_stop, self.home, name),
            )
            for name in PROCESSES
        ]


@dataclass(slots=True)
class CodeServerWatch:
    """Detects that a Dagster process has lost its code server, or never got one."""

    pid_file: Path
    of: int | None = None
    """The pid of the process that was last seen with a code server."""

    def __call__(self) -> str:
        running = processes.find(self.pid_file)
        if running is None:
            return ""
        if any(_is_code_server(each) for each in processes.family(self.pid_file)):
            self.of = running.process.pid
            return ""
        if self.of == running.process.pid:
            return "has lost its code server"
        # Its code server may have died between two ticks, and never been seen.
        late = time.time() - running.process.create_time() > STARTING_SECONDS
        return "has no code server" if late else ""


def _is_code_server(process: psutil.Process) -> bool:
    try:
        return "grpc" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@contextmanager
def running(settings: Settings, wanted_port: int) -> Iterator[Stack]:
    """Start the platform's processes, and end them with the block.

    Processes that a killed predecessor left running are ended first.

    Raises:
        SourceUnavailable: Dagster's storage does not answer.
    """
    home = dagster_home.directory(settings)
    end(settings)
    (port,) = processes.free_ports([wanted_port])
    environment = dagster_home.process_environment(settings) | {MARK: str(settings.home)}
    _create_dagster_tables(environment)
    stack = Stack(home, port, environment)
    try:
        for name in PROCESSES:
            stack.start(name)
        yield stack
    finally:
        end(settings)


def end(settings: Settings) -> None:
    """End the processes of `running`, whoever started them, and their children: code servers and runs.

    A code server that Dagster asks to end may wait for ever, for runs that it cannot look up once PostgreSQL has
    stopped. A code server whose parent was killed is an orphan: it is found by `MARK`.
    """
    home = dagster_home.directory(settings)
    for name in reversed(PROCESSES):
        _stop(home, name)
    processes.end_left(processes.marked(MARK, str(settings.home)), FAREWELL_SECONDS)


def _stop(home: Path, name: str) -> None:
    started = processes.family(_pid_file(home, name))
    processes.stop(_pid_file(home, name), signal.SIGINT, PATIENCE_SECONDS)
    processes.end_left(started, FAREWELL_SECONDS)


@contextmanager
def the_only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of the one process that runs and supervises this installation.

    Raises:
        ConfigurationError: another process holds it.
    """
    local.keep_private(settings.home)
    try:
        with processes.only_one(_lock_file(settings)):
            yield
    except processes.Taken as taken:
        raise ConfigurationError(
            f"`casegold dev` already runs for {settings.home}: process {taken}",
            remedy="use that one, or end it first, with Ctrl-C or `casegold down`",
        ) from taken


def end_dev(settings: Settings) -> bool:
    """End the `casegold dev` of this installation, and wait for that. False if there is none."""
    if not settings.home.exists():
        return False
    path = _lock_file(settings)
    pid = processes.holder(path)
    if pid is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):  # it ended just now
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + LONGEST_END_SECONDS
        while time.monotonic() < deadline:
            if processes.holder(path) != pid:
                return True
            time.sleep(0.1)
    return True


def watch(settings: Settings) -> None:
    """Check once that all processes are alive. Raises SourceUnavailable with the end of the log of a dead one."""
    home = dagster_home.directory(settings)
    for name in PROCESSES:
        if processes.find(_pid_file(home, name)) is None:
            log = _log(home, name)
            raise SourceUnavailable(f"the {name} has ended:\n{processes.tail(log)}", remedy=f"read {log}")


def _lock_file(settings: Settings) -> Path:
    return settings.home / "dev.lock"


def _pid_file(home: Path, name: str) -> Path:
    return home / f"{name}.pid"


def _log(home: Path, name: str) -> Path:
    return home / f"{name}.log"


def _create_dagster_tables(environment: dict[str, str]) -> None:
    """Create Dagster's tables before two processes try at once: the second would find only a part of them."""
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "instance", "info"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SourceUnavailable(
            f"Dagster cannot open its storage:\n{done.stderr}", remedy="`casegold status` shows whether it answers"
        )
