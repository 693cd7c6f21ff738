"""`casegold dev`: everything on one machine, in the foreground. Not here: what is started (`runtime.services`)."""

from __future__ import annotations

import signal
import time
from types import FrameType

import click

from casegold.runtime.cli.output import TABLE, Output
from casegold.runtime.cli.services import say, show_status
from casegold.runtime.services import dagster_home, local, stack
from casegold.runtime.settings import load_settings


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI; another one where it is taken.")
def dev(port: int) -> None:
    """Start the servers, Dagster's UI and daemon, and the relay; Ctrl-C ends the latter three.

    \b
    Examples:
      casegold dev
      casegold dev --port 3001
    """
    # Set for both: what a script starts in the background ignores Ctrl-C, and so would all that it starts.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    settings = load_settings()
    local.up(settings, say)
    dagster_home.make(settings)
    show_status(settings, Output(TABLE))
    with stack.running(settings, port) as url:
        click.echo(f"\nDagster UI: {url}\nIt has no login: whoever has an account on this machine can use it.")
        click.echo("Ctrl-C ends it; `casegold down` stops the servers, too.")
        while True:
            stack.watch(settings)
            time.sleep(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Being told to end is Ctrl-C: the processes end first."""
    raise KeyboardInterrupt


commands = (dev,)
