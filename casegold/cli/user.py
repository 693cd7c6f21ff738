"""Commands that manage people's logins, over the owner's connection. Not here: what people do with them."""

from __future__ import annotations

import secrets
import sys

import click

from casegold.cli.output import Output, listed
from casegold.control.changes import people
from casegold.control.revision import opened
from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.runtime.contracts import contracts_of
from casegold.runtime.settings import load_settings


@click.group()
def user() -> None:
    """Add, list and remove people's logins. Requests and approvals need one: the audit trail names the person.

    \b
    Examples:
      casegold user add ann --role casegold_operator
      casegold user list
    """


@user.command()
@click.argument("name")
@click.option("--role", required=True, help="A role that a contract names, such as casegold_steward.")
@click.option("--person", help="The human who uses the login, the same for all of their logins; default: NAME.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--ask-password", is_flag=True, help="Ask for the password at the terminal.")
def add(name: str, role: str, person: str | None, password_stdin: bool, ask_password: bool) -> None:
    """Create the login NAME. A password is generated and printed once, unless you give one.

    \b
    Examples:
      casegold user add ann --role casegold_operator
      casegold user add bob-approves --role casegold_steward --person bob --ask-password
    """
    settings = load_settings()
    known = people.roles_of(contracts_of(settings))
    if role not in known:
        raise ConfigurationError(f"no contract names the role {role}", remedy=f"roles: {', '.join(known)}")
    given = _password(from_stdin=password_stdin, ask=ask_password)
    password = given if given is not None else secrets.token_urlsafe(24)
    people.add(opened(settings.owner_url()), name, role, person or name, password)
    click.echo(f"{person or name} may log in as {name}, with the role {role}", err=True)
    if given is None:
        click.echo("its password, shown only this once:", err=True)
        click.echo(password)


@user.command("list")
@listed()
def list_users(out: Output) -> None:
    """List people's logins with their roles, removed ones last.

    \b
    Examples:
      casegold user list
      casegold user list --format json
    """
    out.rows(
        "People",
        ("login", "person", "roles", "added", "added by", "removed", "removed by"),
        (
            (
                each.login,
                each.person,
                each.roles,
                each.added_at,
                each.added_by,
                each.removed_at,
                each.removed_by,
            )
            for each in people.logins(opened(load_settings().control_url()))
        ),
        empty="No person has a login yet: `casegold user add` creates one.",
    )


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Drop the login NAME and end its sessions. Its requests and approvals stay valid and recorded.

    \b
    Examples:
      casegold user remove ann
    """
    people.remove(opened(load_settings().owner_url()), name)
    click.echo(f"{name} can no longer log in")


@user.command()
@click.pass_context
def check(context: click.Context) -> None:
    """List logins that have changed their password. Exit 40 if there are any.

    PostgreSQL lets every role change its own password, even to a single character, and offers no way to forbid it.
    Run this every night. To repair a login, use `casegold user remove`, then `casegold user add`.

    \b
    Examples:
      casegold user check
    """
    changed = people.changed_passwords(opened(load_settings().owner_url()))
    for login in changed:
        click.echo(f"{login} has changed its password")
    if changed:
        click.echo("-> `casegold user remove LOGIN`, then `casegold user add LOGIN ...` with the same person", err=True)
        context.exit(int(ExitClass.CONFIGURATION))
    click.echo("no login has changed its password")


@user.command()
@click.argument("name")
@click.option("--for", "engine", type=click.Choice(["pyiceberg", "spark"]), default="pyiceberg", show_default=True)
def catalog(name: str, engine: str) -> None:
    """Print how the login NAME reads the Iceberg catalog. The output is a configuration file, without the password.

    \b
    Examples:
      casegold user catalog rita > ~/.pyiceberg.yaml
      casegold user catalog rita --for spark
    """
    from casegold.runtime import catalog_access  # noqa: PLC0415 - loads Iceberg

    settings = load_settings()
    if not any(each.login == name and each.roles for each in people.logins(opened(settings.control_url()))):
        raise ConfigurationError(f"no person uses the login {name}", remedy="`casegold user list` shows them")
    click.echo(catalog_access.ENGINES[engine](settings, name), nl=False)


def _password(*, from_stdin: bool, ask: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if ask:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return None


commands = (user,)
