"""Commands for the local servers: up, status, down, env. Not here: starting and stopping them (`servers`)."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from casegold.cli.output import Output, listed
from casegold.cli.values import Number
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.domain.plain_text import visible

if TYPE_CHECKING:
    from casegold.runtime.settings import Settings


@click.command()
@listed()
def up(out: Output) -> None:
    """Start PostgreSQL and Kafka; create schemas and topics. Safe to repeat.

    \b
    Examples:
      casegold up
    """
    from casegold.runtime.settings import load_settings  # noqa: PLC0415
    from casegold.servers import dagster_home, local  # noqa: PLC0415 - loads Kafka

    settings = load_settings()
    local.up(settings, say)
    dagster_home.make(settings)
    show_status(settings, out)


@click.command()
def down() -> None:
    """Stop the local servers, and a running `casegold dev`, which would restart them. Data stays.

    \b
    Examples:
      casegold down
    """
    from casegold.runtime.settings import load_settings  # noqa: PLC0415
    from casegold.servers import local, stack  # noqa: PLC0415 - loads Kafka

    settings = load_settings()
    if stack.end_dev(settings):
        click.echo("ended: `casegold dev`")
    stack.end(settings)
    stopped = local.down(settings)
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "no local server was running")


@click.command()
@listed()
def status(out: Output) -> None:
    """Show the servers and whether they answer; exit 20 if one does not, 40 if a product cannot be read.

    \b
    Examples:
      casegold status
      casegold status --format json
    """
    from casegold.runtime.settings import load_settings  # noqa: PLC0415 - with what asks the servers

    settings = load_settings()
    silent = show_status(settings, out)
    wrong = _unreadable_product(settings)
    if silent:
        if wrong is not None:
            click.echo(f"casegold: {visible(str(wrong))}", err=True)
        raise SourceUnavailable(
            f"no answer from {' and '.join(silent)}",
            remedy="`casegold up` starts the local servers; start any other server yourself",
        )
    if wrong is not None:
        raise wrong


def _unreadable_product(settings: Settings) -> ConfigurationError | None:
    """The error that nearly every other command would end with; `status` shows it, too."""
    from casegold.runtime.product_folder import read_products  # noqa: PLC0415 - loads YAML

    try:
        read_products(settings.products_dir)
    except ConfigurationError as error:
        return error
    return None


@click.command()
def env() -> None:
    """Print the environment variables that `dagster` commands need, as shell exports.

    \b
    Examples:
      eval "$(casegold env)" && dagster sensor list
      casegold env
    """
    from casegold.runtime.settings import load_settings  # noqa: PLC0415
    from casegold.servers import dagster_home  # noqa: PLC0415 - loads the settings

    variables = dagster_home.environment(load_settings()) | dagster_home.FOR_THE_SHELL
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def say(line: str) -> None:
    """Print progress to standard error, so that it does not mix with results."""
    click.echo(line, file=sys.stderr)


def show_status(settings: Settings, out: Output) -> list[str]:
    """Print the servers; return the names of those that do not answer."""
    from casegold.servers import local  # noqa: PLC0415 - loads Kafka

    servers = local.status(settings)
    out.rows(
        "Servers",
        ("server", "address", "state", "run by", "process#"),
        (
            (
                server.name,
                server.address,
                "answers" if server.answers else "no answer",
                "casegold" if server.managed else "you",
                server.pid and Number(server.pid),
            )
            for server in servers
        ),
        empty="",
    )
    return [server.name for server in servers if not server.answers]


commands = (up, status, down, env)
