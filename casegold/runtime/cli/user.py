"""Commands about people's logins, over the platform's own connection. Not here: what a person does with one."""

from __future__ import annotations

import secrets
import sys

import click

from casegold.domain.errors import ConfigurationError
from casegold.manifest import people
from casegold.manifest.db import ControlDb
from casegold.runtime.cli.tables import show as show_table
from casegold.runtime.contracts import contracts_of
from casegold.runtime.settings import load_settings


@click.group()
def user() -> None:
    """Give people logins of their own, list them, take them back."""


@user.command()
@click.argument("name")
@click.option("--role", required=True, help="A role that the contracts name, such as casegold_steward.")
@click.option("--person", help="Who uses the login, the same for all logins of one human; by default NAME.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--ask-password", is_flag=True, help="Ask for the password at the terminal.")
def add(name: str, role: str, person: str | None, password_stdin: bool, ask_password: bool) -> None:
    """Make the login NAME. Its password is made and printed once, unless you bring one."""
    settings = load_settings()
    known = people.roles_of(contracts_of(settings))
    if role not in known:
        raise ConfigurationError(f"no contract names the role {role}", remedy=f"roles: {', '.join(known)}")
    given = _password(from_stdin=password_stdin, ask=ask_password)
    password = given if given is not None else secrets.token_urlsafe(24)
    people.add(ControlDb(settings.control_url()), name, role, person or name, password)
    click.echo(f"{person or name} may log in as {name}, with the role {role}", err=True)
    if given is None:
        click.echo("its password, which is shown this once:", err=True)
        click.echo(password)


@user.command("list")
def list_users() -> None:
    """List people's logins with their roles, removed ones last."""
    show_table(
        "People",
        ("login", "person", "roles", "added", "by", "removed", "by"),
        (
            (
                each.login,
                each.person,
                ", ".join(each.roles),
                each.added_at,
                each.added_by,
                each.removed_at,
                each.removed_by,
            )
            for each in people.logins(ControlDb(load_settings().control_url()))
        ),
        empty="No person has a login yet: `casegold user add` makes one.",
    )


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Drop the login NAME and end its sessions. What it requested and approved stays."""
    people.remove(ControlDb(load_settings().control_url()), name)
    click.echo(f"{name} can no longer log in")


@user.command()
@click.argument("name")
@click.option("--for", "engine", type=click.Choice(["pyiceberg", "spark"]), default="pyiceberg", show_default=True)
def catalog(name: str, engine: str) -> None:
    """Print how the login NAME reads the Iceberg catalog from outside. The password is not in it."""
    from casegold.runtime import reading  # noqa: PLC0415 - loads Iceberg

    settings = load_settings()
    if not any(each.login == name and each.roles for each in people.logins(ControlDb(settings.control_url()))):
        raise ConfigurationError(f"no person uses the login {name}", remedy="`casegold user list` shows them")
    click.echo(reading.ENGINES[engine](settings, name), nl=False)


def _password(*, from_stdin: bool, ask: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if ask:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return None


commands = (user,)
