"""The business clock, also of an installation that was never started. Not here: what the clock decides."""

from __future__ import annotations

from datetime import date

from psycopg.errors import UndefinedTable

from casegold.control import installation
from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar, BusinessClock, FixedClock, last_date_over
from casegold.runtime.addresses import read_addresses
from casegold.runtime.settings import Settings


def last_date_of_fixed_clock(settings: Settings) -> date | None:
    """The last date that is over by a fixed business clock; None if it follows the system clock.

    Raises:
        SourceUnavailable: the installation was started, and its database does not answer.
    """
    clock = _clock(settings)
    return last_date_over(BusinessCalendar(settings.time_zone), clock) if isinstance(clock, FixedClock) else None


def _clock(settings: Settings) -> BusinessClock:
    """The clock in the control database; before the first start, the one in the settings."""
    of_setting = installation.parse_clock(settings.business_clock)
    if settings.postgres_url is None and read_addresses(settings.home) is None:
        return of_setting
    try:
        with ControlDb(settings.control_url()).read() as connection:
            stored = installation.setting(connection, installation.BUSINESS_CLOCK)
    except UndefinedTable:
        return of_setting
    return of_setting if stored is None else installation.parse_clock(str(stored))
