"""Who may do what in the database: the platform's login gets its rights and nobody keeps more than he needs.

Here belongs: what `casegold up` settles as the owner, at every start. Not here: the rights themselves (migrations), and
whether they hold (`control.integrity.standing_checks`).
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
    """Say what a superuser still has to do, where the owner is none."""
    answer = standing_checks.ask(control, standing_checks.RIGHTS)
    for row in answer.sample:
        say(f"rights: {row['problem']}")
    if answer.count:
        say(f"-> {standing_checks.RIGHTS.recovery}")


def apply(connection: Connection, platform: str) -> None:
    """Let a login run the platform, and close what the server leaves open to everybody, as far as the owner may.

    Raises:
        ConfigurationError: that login is the owner's, or the owner may not give it its rights.
    """
    (known,) = connection.execute(query(ROOM, "separation"), {"platform": platform}).fetchall()
    if known["is_owner"]:
        raise ConfigurationError(
            f"{platform} owns the database and cannot run the platform: it could change what people decided",
            remedy="make a login without rights and name it in CASEGOLD_POSTGRES_URL; deploy/postgres/prepare.sql does",
        )
    if not known["may_run"]:
        try:
            connection.execute(sql.SQL("grant casegold_runtime to {}").format(sql.Identifier(platform)))
        except InsufficientPrivilege as error:
            raise ConfigurationError(
                f"the owner may not let {platform} run the platform: {error.diag.message_primary}",
                remedy=f"as a superuser: grant casegold_runtime to {platform}",
            ) from error
    if known["superuser"]:
        connection.execute(query(ROOM, "lockdown"))
