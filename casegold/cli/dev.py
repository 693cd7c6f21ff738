"""`casegold dev`: everything on one machine, in the foreground. Not here: the processes (`servers`)."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from functools import partial
from types import FrameType

import click

from casegold.cli.output import TABLE, Output
from casegold.cli.services import say, show_status
from casegold.runtime.addresses import read_addresses
from casegold.runtime.settings import load_settings
from casegold.servers import dagster_home, local, stack
from casegold.servers.supervisor import Supervisor

LOOK_SECONDS = 0.5
"""Between two checks of the processes."""


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI; if it is taken, a free one.")
def dev(port: int) -> None:
    """Run everything: servers, Dagster's UI and daemon, the relay. Ctrl-C ends all but the servers.

    A process that dies is restarted; if it dies eight times in a row, this command ends with exit code 20. Only one
    `casegold dev` can run per home directory.

    \b
    Examples:
      casegold dev
      casegold dev --port 3001
    """
    # Handle both: a shell script starts background jobs with SIGINT ignored, and their children would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    settings = load_settings()
    with stack.the_only_one(settings):
        local.up(settings, say)
        dagster_home.make(settings)
        show_status(settings, Output(TABLE))
        with stack.running(settings, port) as running:
            supervisor = Supervisor(
                local.members(settings, say), running.members(), partial(read_addresses, settings.home), _say_when
            )
            told = False
            while True:
                supervisor.look()
                if not told and running.answers():
                    _tell(running.url)
                    told = True
                time.sleep(LOOK_SECONDS)


def _tell(url: str) -> None:
    click.echo(f"\nDagster UI: {url}\nIt has no login: everybody with an account on this machine can use it.")
    click.echo("Ctrl-C ends it; `casegold down` stops the servers, too.")


def _say_when(line: str) -> None:
    say(f"{datetime.now().astimezone():%H:%M:%S} {line}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Handle SIGTERM like Ctrl-C: child processes end before this one."""
    raise KeyboardInterrupt


commands = (dev,)
