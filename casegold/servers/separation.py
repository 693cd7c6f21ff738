"""Database privileges that `casegold up` applies as the owner, at every start: least privilege for every login.

Not here: the rights of each role (migrations), and the check that they hold (`control.integrity.standing_checks`).
"""

from __future__ import annotations

from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from casegold.control.db import Connection, ControlDb
from casegold.control.integrity import standing_checks
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query
from casegold.servers.processes import Say

ROOM = "casegold.servers"


def tell(control: ControlDb, say: Say) -> None:
    """Print what a superuser still has to do, if the owner is no superuser."""
    answer = standing_checks.ask(control, standing_checks.RIGHTS)
    for row in answer.sample:
        say(f"rights: {row['problem']}")
    if answer.count:
        say(f"-> {standing_checks.RIGHTS.recovery}")


def apply(connection: Connection, platform: str) -> None:
    """Grant a login the right to run the platform, and revoke what PostgreSQL grants to everybody, if the owner may.

    Raises:
        ConfigurationError: the login is the owner's, or the owner may not grant it the role.
    """
    (known,) = connection.execute(query(ROOM, "separation"), {"platform": platform}).fetchall()
    if known["is_owner"]:
        raise ConfigurationError(
            f"{platform} owns the database and cannot run the platform: it could change what people decided",
            remedy="create a login without rights, as deploy/postgres/prepare.sql does, for CASEGOLD_POSTGRES_URL",
        )
    if not known["may_run"]:
        try:
            connection.execute(sql.SQL("grant casegold_runtime to {}").format(sql.Identifier(platform)))
        except InsufficientPrivilege as error:
            raise ConfigurationError(
                f"the owner may not grant casegold_runtime to {platform}: {error.diag.message_primary}",
                remedy=f"run as a superuser: grant casegold_runtime to {platform}",
            ) from error
    if known["superuser"]:
        connection.execute(query(ROOM, "lockdown"))
