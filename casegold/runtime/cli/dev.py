"""`casegold dev`: everything on one machine, in the foreground. Not here: the servers (`runtime.services`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from casegold.domain.errors import SourceUnavailable
from casegold.runtime.cli.services import say, show_status
from casegold.runtime.services import dagster_home, local, processes
from casegold.runtime.settings import Settings, load_settings

PATIENCE_SECONDS = 20.0
"""How long the processes may take to end after being asked to."""

STARTING_SECONDS = 180.0


@click.command()
@click.option("--port", type=int, help="Port of the UI on the loopback interface; default: 3000, or a free one.")
def dev(port: int | None) -> None:
    """Start the servers, Dagster's UI and daemon, and the relay; Ctrl-C ends the latter three."""
    signal.signal(signal.SIGTERM, _interrupt)
    settings = load_settings()
    local.up(settings, say)
    dagster_home.make(settings)
    show_status(settings)
    with stack(settings, port or 3000) as (url, running):
        click.echo(f"\nDagster UI: {url}\nCtrl-C ends it; `casegold down` stops the servers, too.")
        _watch(running)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Being told to end is Ctrl-C: the processes end first."""
    raise KeyboardInterrupt


@contextmanager
def stack(settings: Settings, wanted_port: int) -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """The processes of a running platform; they end with the block.

    Yields:
        The UI's address, and the processes by name.

    Raises:
        SourceUnavailable: one of them ends while starting.
    """
    (port,) = processes.free_ports([wanted_port])
    environment = {**os.environ, **dagster_home.environment(settings)}
    _create_dagster_tables(environment)
    workspace = ("-w", str(dagster_home.WORKSPACE_FILE))
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in (
            ("webserver", ("-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *workspace)),
            ("daemon", ("-m", "dagster._daemon", "run", *workspace)),
            ("relay", ("-m", "casegold.runtime.cli.main", "relay")),
        ):
            running[name] = _start(settings, environment, name, arguments)
        _wait_for(port, running)
        yield f"http://127.0.0.1:{port}", running
    finally:
        _end(list(running.values()))


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


def _start(
    settings: Settings, environment: dict[str, str], name: str, arguments: Sequence[str]
) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process only, which then ends the others in order.
    with (dagster_home.directory(settings) / f"{name}.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_for(port: int, running: dict[str, subprocess.Popen[bytes]]) -> None:
    end = time.monotonic() + STARTING_SECONDS
    while not processes.answers(port):
        _ended(running)
        if time.monotonic() > end:
            raise SourceUnavailable("the UI did not start", remedy="read webserver.log in Dagster's home directory")
        time.sleep(0.2)


def _watch(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Wait until one of the processes ends, which none does by itself."""
    while True:
        _ended(running)
        time.sleep(1)


def _ended(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise SourceUnavailable(
                f"the {name} ended with exit code {process.returncode}",
                remedy=f"read {name}.log in Dagster's home directory",
            )


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


commands = (dev,)
