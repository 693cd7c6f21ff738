"""What was official then, what changed since, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click
import pytest

from casegold.domain.errors import ConfigurationError
from casegold.manifest import listing
from casegold.runtime.cli.read import as_instant
from casegold.runtime.settings import Settings
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.history.story import CALENDAR, FIRST, LAST, OVERRIDES, SINCE, tell


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return tell(settings)


def shown(instant: datetime) -> Any:
    said = command("show", SNAPSHOT, "--partition", SINCE, "--as-known-at", instant.isoformat(), "--format", "json")
    return json.loads(said[said.index("\n[") :])


def test_what_was_official_at_an_instant(installation: Installation) -> None:
    restated, first = listing.partition_versions(installation.platform.control, SNAPSHOT, SINCE, 10)
    assert (restated["version"], restated["official_until"]) == (2, None)
    assert (first["version"], first["official_until"]) == (1, restated["official_from"])

    moment = timedelta(microseconds=1)
    changes = first["official_until"]
    for number, instant in ((1, first["official_from"]), (1, changes - moment), (2, changes)):
        levels = [row["escalation_level"] for row in shown(instant)]
        assert (9 in levels) == (number == 2)
        said = command("show", SNAPSHOT, "--partition", SINCE, "--as-known-at", instant.isoformat())
        assert f"snapshot-{number:06d} was official" in said

    with pytest.raises(ConfigurationError, match="was not published by"):
        command("show", SNAPSHOT, "--partition", SINCE, "--as-known-at", (first["official_from"] - moment).isoformat())
    with pytest.raises(ConfigurationError, match=str(CALENDAR.end_of(LAST))[:19].replace("+", ".")):
        command("show", SNAPSHOT, "--partition", SINCE, "--as-known-at", LAST)  # the date ended long before

    said = command("versions", SNAPSHOT, "--partition", SINCE)
    assert "2 versions" in said and "now" in said
    assert "1 versions" in command("versions", SNAPSHOT, "--partition", FIRST)
    assert "was not published yet" in command("versions", SNAPSHOT, "--partition", LAST + timedelta(days=1))


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T12:00:00", "2026-13-01"])
def test_an_instant_needs_its_zone(text: str) -> None:
    with pytest.raises(click.BadParameter):
        as_instant(text, CALENDAR)


def test_a_date_is_its_end_in_the_business_time_zone() -> None:
    assert as_instant("2026-03-01", CALENDAR) == as_instant("2026-03-02T00:00:00+01:00", CALENDAR)
