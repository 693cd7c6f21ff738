"""How a person reaches the control database: by a login of their own.

Not here: what a login may do there (`control.changes.approvals`).
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

    The password is that of CASEGOLD_PERSON_PASSWORD, of ~/.pgpass, or is asked for at the terminal; in this order.

    Args:
        login: None for the setting CASEGOLD_PERSON.

    Raises:
        ConfigurationError: no login is named, or the server refuses it.
        SourceUnavailable: the server does not answer.
    """
    login = login or settings.person
    if login is None:
        raise ConfigurationError(
            "this step is a person's", remedy="say who you are: --as NAME, or CASEGOLD_PERSON; `casegold user list`"
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
            f"{login} reads what is published and takes no part in decisions",
            remedy="a role that the contracts give write access, or name as approver, may; reading: docs/reading.md",
        )
    refuse_other(control)
    return control


def _try(url: str) -> str | None:
    """Why a connection does not come about; None where it does."""
    try:
        ControlDb(url).rows("select 1")
    except SourceUnavailable as error:
        return error.message
    return None


def _refuse(login: str, problem: str) -> NoReturn:
    if _NO_PASSWORD in problem:
        raise ConfigurationError(
            f"there is no password for {login}",
            remedy="set CASEGOLD_PERSON_PASSWORD, write it to ~/.pgpass, or call from a terminal",
        )
    if _WRONG_PASSWORD in problem:
        raise ConfigurationError(
            f"the database does not let {login} in: no such login, or another password",
            remedy="`casegold user list` shows the logins; `casegold user remove` and `add` give a new password",
        )
    raise SourceUnavailable(problem, remedy="`casegold up` starts the local servers; `casegold status` shows them")
