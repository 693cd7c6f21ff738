"""Commands about the installation's servers: up, status, down, env. Not here: what they do (`runtime.services`)."""

from __future__ import annotations

import shlex
import sys

import click

from casegold.domain.errors import SourceUnavailable
from casegold.runtime.cli.tables import show
from casegold.runtime.services import dagster_home, local, stack
from casegold.runtime.settings import Settings, load_settings


@click.command()
def up() -> None:
    """Start PostgreSQL and Kafka, create schemas and topics. Twice is once."""
    settings = load_settings()
    local.up(settings, say)
    dagster_home.make(settings)
    show_status(settings)


@click.command()
def down() -> None:
    """Stop the local servers, and a `casegold dev` that keeps them alive. Data stays where it is."""
    settings = load_settings()
    if stack.end_dev(settings):
        click.echo("ended: `casegold dev`")
    stack.end(settings)
    stopped = local.down(settings)
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "no local server was running")


@click.command()
def status() -> None:
    """Show the servers and whether they answer; exits 20 when one does not."""
    settings = load_settings()
    silent = show_status(settings)
    if silent:
        raise SourceUnavailable(
            f"no answer from {' and '.join(silent)}",
            remedy="`casegold up` starts the local servers; others are yours to start",
        )


@click.command()
def env() -> None:
    """Print what other programs need: eval "$(casegold env)", then `dagster` commands work."""
    variables = dagster_home.environment(load_settings()) | dagster_home.FOR_THE_SHELL
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def say(line: str) -> None:
    """Progress: to standard error, so that it does not mix with results."""
    click.echo(line, file=sys.stderr)


def show_status(settings: Settings) -> list[str]:
    """Print the servers as a table; the names of those that do not answer."""
    servers = local.status(settings)
    show(
        "Servers",
        ("server", "address", "state", "run by", "process#"),
        (
            (
                server.name,
                server.address,
                "answers" if server.answers else "no answer",
                "casegold" if server.managed else "you",
                str(server.pid or ""),
            )
            for server in servers
        ),
        empty="",
    )
    return [server.name for server in servers if not server.answers]


commands = (up, status, down, env)
