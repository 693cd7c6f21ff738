"""What was official then, what changed since, and why."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click
import pytest

from casegold.cli.arguments import as_instant
from casegold.control.versions import listing
from casegold.domain.calendar import days
from casegold.domain.errors import ConfigurationError
from casegold.runtime.settings import Settings
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.history.story import CALENDAR, FIRST, LAST, OVERRIDES, SINCE, snapshots, tell


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

    assert "2 versions" in command("versions", SNAPSHOT, "--partition", SINCE)
    newest, oldest = json.loads(command("versions", SNAPSHOT, "--partition", SINCE, "--format", "json"))
    assert newest["until"] is None and oldest["until"] == newest["official_from"]
    assert "1 versions" in command("versions", SNAPSHOT, "--partition", FIRST)
    assert "was not published yet" in command("versions", SNAPSHOT, "--partition", LAST + timedelta(days=1))


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T12:00:00", "2026-13-01"])
def test_an_instant_needs_its_zone(text: str) -> None:
    with pytest.raises(click.BadParameter):
        as_instant(text, CALENDAR)


def test_a_date_is_its_end_in_the_business_time_zone() -> None:
    assert as_instant("2026-03-01", CALENDAR) == as_instant("2026-03-02T00:00:00+01:00", CALENDAR)


def test_what_differs_between_two_versions_and_which_fact_it_was(installation: Installation) -> None:
    old, new = snapshots(installation, 1), snapshots(installation, 2)
    differ = [(before, after) for before, after in zip(old, new, strict=True) if before != after]
    assert [after["snapshot_date"] for _, after in differ] == list(days(SINCE, LAST)), "one case, on three dates"

    said = command("diff", SNAPSHOT, 1, 2)
    assert "3 partitions differ" in said and "3 of 3 rows that differ" in said
    found = json.loads(command("diff", SNAPSHOT, 1, 2, "--format", "json", "--limit", 2))
    assert [each["key"] for each in found["partitions"]] == [day.isoformat() for day in days(SINCE, LAST)]
    assert [each["changed"] for each in found["partitions"]] == [1, 1, 1]
    assert (found["rowsThatDiffer"], len(found["rows"])) == (3, 2)
    levels = [row["cells"]["escalation_level"] for row in found["rows"]]
    assert [(each["before"], each["after"]) for each in levels] == [
        (str(before["escalation_level"]), "9") for before, _ in differ[:2]
    ]
    (column,) = [each for each in found["columns"] if each["name"] == "escalation_level"]
    assert column["changed"] == 3
    assert int(column["sum_after"]) - int(column["sum_before"]) == sum(
        after["escalation_level"] - before["escalation_level"] for before, after in differ
    )
    back = json.loads(command("diff", SNAPSHOT, 2, 1, "--format", "json", "--partition", LAST))
    assert [row["cells"]["escalation_level"]["before"] for row in back["rows"]] == ["9"]

    lines = list(csv.DictReader(io.StringIO(command("diff", SNAPSHOT, 1, 2, "--format", "csv"))))
    assert {line["case_id"] for line in lines} == {after["case_id"] for _, after in differ}
    assert [line["after"] for line in lines if line["column"] == "escalation_level"] == ["9", "9", "9"]
    assert "no row differs" in command("diff", SNAPSHOT, 2, 2)
    assert "no row differs" in command("diff", SNAPSHOT, 1, 2, "--partition", FIRST)
    with pytest.raises(ConfigurationError, match="no completed version 7"):
        command("diff", SNAPSHOT, 1, 7)

    said = command("causes", SNAPSHOT, 2)
    assert "3 of its 3 partitions had a version before" in said
    assert "1 of 1 facts" in said and "CaseEscalated" in said
    assert "1 of 1 facts" in command("causes", SNAPSHOT, 2, "--partition", LAST)
    assert "The replaced versions knew all of its facts" in command("causes", SNAPSHOT, 1)
    assert SNAPSHOT in command("causes", REPORT, 2)
    with pytest.raises(ConfigurationError, match=f"no completed version 2 that changed {FIRST}"):
        command("causes", SNAPSHOT, 2, "--partition", FIRST)


def test_a_version_that_was_gone_back_from_differs_as_before(installation: Installation) -> None:
    forward = command("diff", SNAPSHOT, 1, 2, "--format", "csv")
    command("republish", SNAPSHOT, 1, "--reason", "back")
    assert "no row differs" in command("diff", SNAPSHOT, 1, 3)
    assert "again by" in command("causes", SNAPSHOT, 3)
    command("release", SNAPSHOT, "--reason", "forward")
    installation.work()
    assert command("diff", SNAPSHOT, 3, 4, "--format", "csv") == forward
    assert "1 of 1 facts" in command("causes", SNAPSHOT, 4), "what the repeated version had not known"
