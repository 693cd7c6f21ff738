"""The processes of a running platform: Dagster's UI and daemon, and the relay. Not here: the servers they use."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from casegold.domain.errors import SourceUnavailable
from casegold.runtime.services import dagster_home, processes
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import WORKSPACE_FILE

PATIENCE_SECONDS = 20.0
"""How long the processes may take to end after being asked to."""

FAREWELL_SECONDS = 5.0
"""How long what they have started may take after them. A run that is ended so is taken over, as after any death."""

STARTING_SECONDS = 180.0

_WORKSPACE = ("-w", str(WORKSPACE_FILE))
PROCESSES: dict[str, tuple[str, ...]] = {
    "webserver": ("-m", "resources.webserver", "-h", "127.0.0.1", "-p", "{port}", *_WORKSPACE),
    "daemon": ("-m", "dagster._daemon", "run", *_WORKSPACE),
    "relay": ("-m", "casegold.runtime.cli.main", "relay"),
}
"""Name -> arguments of Python. The UI has no users: it listens on the loopback interface only, behind a guard."""


@contextmanager
def running(settings: Settings, wanted_port: int) -> Iterator[str]:
    """The processes of a running platform; the UI's address. They end with the block.

    What a killed predecessor left running is ended first.

    Raises:
        SourceUnavailable: one of them ends while starting.
    """
    home = dagster_home.directory(settings)
    end(settings)
    (port,) = processes.free_ports([wanted_port])
    environment = dagster_home.process_environment(settings)
    _create_dagster_tables(environment)
    try:
        for name, arguments in PROCESSES.items():
            command = [sys.executable, *(word.format(port=port) for word in arguments)]
            processes.start(
                _pid_file(home, name), port, command, _log(home, name), environment=environment, directory=Path.cwd()
            )
        webserver = _pid_file(home, "webserver")
        processes.wait_until(
            lambda: processes.answers(port), webserver, "the UI", _log(home, "webserver"), STARTING_SECONDS
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        end(settings)


def end(settings: Settings) -> None:
    """End the processes of `running`, whoever started them, and what they started: code servers and runs.

    A code server that Dagster asks to end may wait for ever, for runs that it cannot look up once Postgres is gone.
    """
    home = dagster_home.directory(settings)
    for name in reversed(PROCESSES):
        started = processes.family(_pid_file(home, name))
        processes.stop(_pid_file(home, name), signal.SIGINT, PATIENCE_SECONDS)
        processes.end_left(started, FAREWELL_SECONDS)


def watch(settings: Settings) -> None:
    """Look once whether all of them are alive. Raises SourceUnavailable with the log of one that is not."""
    home = dagster_home.directory(settings)
    for name in PROCESSES:
        if processes.find(_pid_file(home, name)) is None:
            log = _log(home, name)
            raise SourceUnavailable(f"the {name} has ended:\n{processes.tail(log)}", remedy=f"read {log}")


def _pid_file(home: Path, name: str) -> Path:
    return home / f"{name}.pid"


def _log(home: Path, name: str) -> Path:
    return home / f"{name}.log"


def _create_dagster_tables(environment: dict[str, str]) -> None:
    """Before two processes do it at once: the second would find half of them."""
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
