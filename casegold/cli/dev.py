"""`casegold dev`: everything on one machine, in the foreground. Not here: what is started (`servers`)."""

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
"""Between two looks at the processes."""


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI; another one where it is taken.")
def dev(port: int) -> None:
    """Run everything: servers, Dagster's UI and daemon, the relay. Ctrl-C ends all but the servers.

    What dies is started again; what dies eight times in a row ends this command with 20. It runs once per home
    directory.

    \b
    Examples:
      casegold dev
      casegold dev --port 3001
    """
    # Set for both: what a script starts in the background ignores Ctrl-C, and so would all that it starts.
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
    click.echo(f"\nDagster UI: {url}\nIt has no login: whoever has an account on this machine can use it.")
    click.echo("Ctrl-C ends it; `casegold down` stops the servers, too.")


def _say_when(line: str) -> None:
    say(f"{datetime.now().astimezone():%H:%M:%S} {line}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Being told to end is Ctrl-C: the processes end first."""
    raise KeyboardInterrupt


commands = (dev,)
