"""Settings of the installation that must not change after its first start."""

from __future__ import annotations

import pytest

from casegold.control import installation
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError


def test_the_business_time_zone_is_fixed_at_first_start(control: ControlDb) -> None:
    zone = control.rows("select value from setting where key = 'business_time_zone'")
    installation.install(control, zone[0]["value"] if zone else "Europe/Rome", "system")
    with pytest.raises(ConfigurationError, match="CASEGOLD_TIME_ZONE"):
        installation.install(control, "Pacific/Apia", "system")


@pytest.mark.parametrize("clock", ["2012-01-24T00:00:00", "yesterday", ""])
def test_a_clock_without_offset_is_refused(clock: str) -> None:
    with pytest.raises(ConfigurationError):
        installation.parse_clock(clock)
