"""The revision of the control schema: which one this program has, and which one a database is at.

Not here: bringing a database to it (`db.migrate`).
"""

from __future__ import annotations

from importlib.resources import files

from psycopg.errors import InsufficientPrivilege, UndefinedTable

from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.domain.sql import query

ROOM = "casegold.control"


def head() -> str:
    """The newest revision that this program knows: the highest number of its migrations."""
    names = (each.name for each in files("casegold.control.migrations.versions").iterdir())
    return max(name[:4] for name in names if name.endswith(".py") and name[:4].isdigit())


def revision_of(control: ControlDb) -> str | None:
    """The revision of a database; None for one that was never prepared."""
    try:
        (row,) = control.rows(query(ROOM, "revision"))
    except UndefinedTable:
        return None
    except InsufficientPrivilege as error:  # the platform's login may look since 0007, people since 0009
        raise _older("older than 0009") from error
    return str(row["version_num"])


def refuse_newer(control: ControlDb) -> None:
    """Stop an older program before it touches the database of a newer one.

    Raises:
        ConfigurationError: it is newer.
    """
    found = revision_of(control)
    if found is not None and found > head():
        raise ConfigurationError(
            f"the control database is at revision {found}, newer than {head()}, the newest that this casegold knows",
            remedy="use the newer release; going back means restoring a backup that was made before the upgrade",
        )


def refuse_other(control: ControlDb) -> None:
    """Stop a program whose tables are not those of the database.

    Raises:
        ConfigurationError: the database is at another revision.
        SourceUnavailable: it was never prepared.
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
    """A control database whose tables are those of this program. Raises as `refuse_other`."""
    control = ControlDb(url, pooled=pooled)
    refuse_other(control)
    return control
