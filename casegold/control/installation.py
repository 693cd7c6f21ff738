"""Settings of the installation in the control database: its business time zone and its business clock.

Not here: settings that an operator gives at each start (`runtime.settings`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from casegold.control.db import Connection, ControlDb
from casegold.domain.calendar import BusinessClock, FixedClock, SystemClock
from casegold.domain.errors import ConfigurationError, InvariantBroken
from casegold.domain.sql import query

ROOM = "casegold.control"


BUSINESS_CLOCK = "business_clock"
"""The key of the clock in the table `setting`."""


def setting(connection: Connection, key: str) -> Any:
    """The value of an installation setting; None if it was never set."""
    row = connection.execute(query(ROOM, "setting_get"), {"key": key}).fetchone()
    return None if row is None else row["value"]


def install(control: ControlDb, time_zone: str, clock: str) -> None:
    """Write the settings at the first start of the installation. Later starts must have the same time zone.

    Args:
        clock: `system` or an ISO 8601 instant; used at the first start only.

    Raises:
        ConfigurationError: the installation has another time zone.
    """
    with control.write("install") as connection:
        for key, value in (("business_time_zone", time_zone), (BUSINESS_CLOCK, clock)):
            connection.execute(query(ROOM, "setting_first"), {"key": key, "value": Jsonb(value)})
        stored = setting(connection, "business_time_zone")
    if stored != time_zone:
        raise ConfigurationError(
            f"this installation's business time zone is {stored}, CASEGOLD_TIME_ZONE says {time_zone}",
            remedy=f"set CASEGOLD_TIME_ZONE={stored}: dates of published figures cannot change their meaning",
        )


def set_business_clock(control: ControlDb, clock: str, reason: str) -> None:
    """Set the business clock to `system` or to an ISO 8601 instant; `setting_history` keeps the old value."""
    parse_clock(clock)
    with control.write("clock-set") as connection:
        connection.execute(query(ROOM, "setting_set"), {"key": BUSINESS_CLOCK, "value": Jsonb(clock), "reason": reason})


def business_clock(control: ControlDb) -> BusinessClock:
    """The clock that decides which dates are over."""
    with control.read() as connection:
        stored = setting(connection, BUSINESS_CLOCK)
    if stored is None:
        raise InvariantBroken("the installation has no business clock", remedy="`casegold up` writes it")
    return parse_clock(str(stored))


def parse_clock(text: str) -> BusinessClock:
    """Parse `system`, or an ISO 8601 instant with offset, into a clock."""
    if text == "system":
        return SystemClock()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"business clock {text!r} is neither `system` nor an ISO 8601 instant",
            remedy="for example 2012-01-24T00:00:00+01:00",
        ) from error
    if instant.tzinfo is None:
        raise ConfigurationError(f"business clock {text!r} has no UTC offset", remedy="add one: +01:00 or Z")
    return FixedClock(instant.astimezone(UTC))
