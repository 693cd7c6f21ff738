"""The register of closed dates, and the sequences that a new run would pin now. Not here: closing dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from casegold.control.db import Connection
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.days"


@dataclass(frozen=True, slots=True)
class Register:
    """The first and the latest closed date, and the newest sequences of facts and of control totals."""

    first: date
    latest: date
    admitted_seq: int
    totals_seq: int


def register_of(connection: Connection) -> Register | None:
    """The current register; None until the first date is closed."""
    row = connection.execute(query(ROOM, "register")).fetchone()
    if row is None or row["first"] is None:
        return None
    return Register(row["first"], row["latest"], row["admitted_seq"], row["totals_seq"])


def closed_register(connection: Connection) -> Register:
    """The current register.

    Raises:
        ConfigurationError: no date is closed yet.
    """
    register = register_of(connection)
    if register is None:
        raise ConfigurationError(
            "no date is closed yet: there is nothing to change", remedy="`casegold days status` shows why"
        )
    return register
