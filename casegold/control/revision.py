"""The revision of the control schema: the one that this program needs, and the one that a database has.

Not here: migrating a database (`db.migrate`).
"""

from __future__ import annotations

from importlib.resources import files

from psycopg.errors import InsufficientPrivilege, UndefinedTable

from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.domain.sql import query

ROOM = "casegold.control"


def head() -> str:
    """The revision that this program needs: the highest number of its migrations."""
    names = (each.name for each in files("casegold.control.migrations.versions").iterdir())
    return max(name[:4] for name in names if name.endswith(".py") and name[:4].isdigit())


def revision_of(control: ControlDb) -> str | None:
    """The revision of a database; None if it was never migrated."""
    try:
        (row,) = control.rows(query(ROOM, "revision"))
    except UndefinedTable:
        return None
    except InsufficientPrivilege as error:  # readable for the platform's login since 0007, for people since 0009
        raise _older("older than 0009") from error
    return str(row["version_num"])


def refuse_newer(control: ControlDb) -> None:
    """Stop a program that is older than the database before it writes anything.

    Raises:
        ConfigurationError: the database is newer.
    """
    found = revision_of(control)
    if found is not None and found > head():
        raise ConfigurationError(
            f"the control database is at revision {found}, newer than {head()}, the newest that this casegold knows",
            remedy="use the newer release; going back means restoring a backup that was made before the upgrade",
        )


def refuse_other(control: ControlDb) -> None:
    """Stop a program that needs another revision than the database has.

    Raises:
        ConfigurationError: the database is at another revision.
        SourceUnavailable: it was never migrated.
    """
    found = revision_of(control)
    if found is None:
        raise SourceUnavailable("the control database is empty", remedy="`casegold up` prepares it")
    refuse_newer(control)
    if found != head():
        raise _older(f"at revision {found}")


def _older(found: str) -> ConfigurationError:
    return ConfigurationError(
        f"the control database is {found}, this casegold needs {head()}",
        remedy="end the processes of the old release, make a backup with it, then run `casegold up`, which migrates",
    )


def opened(url: str, *, pooled: bool = False) -> ControlDb:
    """A control database at the revision of this program. Raises like `refuse_other`."""
    control = ControlDb(url, pooled=pooled)
    refuse_other(control)
    return control
