"""Connects a person to the control database by a login of their own.

Not here: what a person may do there (`control.changes.approvals`).
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from casegold.control.db import ControlDb
from casegold.control.revision import refuse_other
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.settings import Settings

_WRONG_PASSWORD = "password authentication failed"  # noqa: S105 - what the server says
_NO_PASSWORD = "no password supplied"  # noqa: S105 - what libpq says


def control_of_person(settings: Settings, login: str | None) -> ControlDb:
    """The control database over a person's own connection.

    The password comes from CASEGOLD_PERSON_PASSWORD, else from ~/.pgpass, else from a prompt at the terminal.

    Args:
        login: None for the setting CASEGOLD_PERSON.

    Raises:
        ConfigurationError: no login is given, the server refuses it, or it may not see control state.
        SourceUnavailable: the server does not answer.
    """
    login = login or settings.person
    if login is None:
        raise ConfigurationError(
            "this command needs a person's login",
            remedy="give --as NAME or set CASEGOLD_PERSON; `casegold user list` shows the logins",
        )
    given = settings.person_password
    url = settings.person_url(login, given.get_secret_value() if given is not None else None)
    problem = _try(url)
    if problem is not None and _NO_PASSWORD in problem and sys.stdin.isatty():
        url = settings.person_url(login, click.prompt(f"Password of {login}", hide_input=True, err=True))
        problem = _try(url)
    if problem is not None:
        _refuse(login, problem)
    control = ControlDb(url)
    (may,) = control.rows("select has_schema_privilege('casegold', 'usage') as look")
    if not may["look"]:
        raise ConfigurationError(
            f"{login} may read published data, and may not use this command",
            remedy="use a login with a role that a contract gives write access or names as approver; to read data, see"
            " docs/reading.md",
        )
    refuse_other(control)
    return control


def _try(url: str) -> str | None:
    """The error message of a failed connection; None if it succeeds."""
    try:
        ControlDb(url).rows("select 1")
    except SourceUnavailable as error:
        return error.message
    return None


def _refuse(login: str, problem: str) -> NoReturn:
    if _NO_PASSWORD in problem:
        raise ConfigurationError(
            f"there is no password for {login}",
            remedy="set CASEGOLD_PERSON_PASSWORD, write it to ~/.pgpass, or run the command in a terminal",
        )
    if _WRONG_PASSWORD in problem:
        raise ConfigurationError(
            f"the database refuses {login}: there is no such login, or the password is wrong",
            remedy="`casegold user list` shows the logins; `casegold user remove` and `add` give a new password",
        )
    raise SourceUnavailable(problem, remedy="`casegold up` starts the local servers; `casegold status` shows them")
