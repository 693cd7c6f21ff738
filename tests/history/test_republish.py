"""Going back to a version and forward again: nothing is computed, nothing moves until it is released."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlparse

import pytest

from casegold.control.versions import listing
from casegold.domain.calendar import days
from casegold.domain.errors import ConfigurationError
from casegold.jobs import maintenance
from casegold.runtime.settings import Settings
from casegold.sink import orphans, tags
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.history.story import FIRST, LAST, MONTH, OVERRIDES, SINCE, figures, send_late, snapshots, tell


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return tell(settings)


def files_on_main(installation: Installation) -> set[str]:
    return {file.file_path for file in installation.platform.lake.data_files(SNAPSHOT)}


def open_pins(installation: Installation) -> list[tuple[object, object]]:
    rows = listing.holds(installation.platform.control, 10)
    return sorted((row["first"], row["last"]) for row in rows if row["kind"] == "PINNED")


@pytest.mark.parametrize("expired", [False, True])
def test_going_back_and_forward_again(
    settings: Settings, installation: Installation, monkeypatch: pytest.MonkeyPatch, expired: bool
) -> None:
    old, restated = snapshots(installation, 1), snapshots(installation, 2)
    old_figures, restated_figures = figures(installation, 1), figures(installation, 2)
    assert old != restated and old_figures != restated_figures
    if expired:
        monkeypatch.setattr(maintenance, "SNAPSHOTS_KEPT", 1)
        monkeypatch.setattr(tags, "TAGS_KEPT", 1)
        monkeypatch.setattr(orphans, "GRACE", timedelta(0))
        command("maintain", SNAPSHOT)
        assert len(installation.platform.lake.table(SNAPSHOT).snapshots()) == 1

    said = command("republish", SNAPSHOT, 1, "--reason", "the late letter was forged")
    assert "snapshot-000003 is now the same as snapshot-000001: 10 partitions" in said
    versions = {row["version"]: row for row in listing.versions(installation.platform.control, SNAPSHOT, 10)}
    assert [versions[number]["republished_from"] for number in (1, 2, 3)] == [None, None, 1]
    assert snapshots(installation) == old
    assert installation.platform.lake.table(SNAPSHOT).scan().to_arrow().num_rows == len(old)
    assert len(files_on_main(installation)) == 10
    assert "the late letter was forged" in command("plan")

    installation.work()
    assert snapshots(installation) == old, "the planner does not undo it"
    assert figures(installation) == old_figures, "and what is made from it follows"
    assert (snapshots(installation, 1), snapshots(installation, 2), snapshots(installation, 3)) == (old, restated, old)
    (event,) = installation.platform.control.rows(
        "select payload from outbox where payload ->> 'versionNumber' = '3' and payload ->> 'datasetId' = %(dataset)s",
        {"dataset": SNAPSHOT},
    )
    assert event["payload"]["republishedFrom"] == 1
    assert "is already" in command("republish", SNAPSHOT, 1, "--reason", "once more")

    send_late(settings, "later", SINCE)
    installation.work()
    assert snapshots(installation) == old, "what comes meanwhile waits as well"
    assert f"pinned from {FIRST}" in command("plan")

    command("release", SNAPSHOT, "--reason", "it was real")
    assert open_pins(installation) == []
    installation.work()
    assert [row["status"] for row in snapshots(installation)] == [row["status"] for row in restated]
    assert len(snapshots(installation)) == len(restated)
    assert figures(installation) == restated_figures
    with pytest.raises(ConfigurationError, match="is not pinned"):
        command("release", SNAPSHOT, "--reason", "again")


def test_released_at_once_the_restated_figures_come_back(installation: Installation) -> None:
    restated = snapshots(installation)
    wanted = [word for day in days(SINCE, LAST) for word in ("--partition", day)]
    command("republish", SNAPSHOT, 1, *wanted, "--reason", "what the late fact changed")
    assert snapshots(installation) == snapshots(installation, 1)
    assert open_pins(installation) == [(SINCE, LAST)]
    command("release", SNAPSHOT, "--reason", "a mistake")
    installation.work()
    assert snapshots(installation) == restated
    (state,) = installation.platform.control.rows(
        "select count(*) as left from partition_state where pinned or released"
    )
    assert state["left"] == 0


def test_a_part_of_a_pin_is_released(installation: Installation) -> None:
    command("republish", SNAPSHOT, 1, "--reason", "all of it")
    assert open_pins(installation) == [(FIRST, LAST)]
    command("release", SNAPSHOT, "--partition", SINCE, "--reason", "not this one")
    assert open_pins(installation) == [(FIRST, SINCE - timedelta(days=1)), (SINCE + timedelta(days=1), LAST)]
    before = installation.version_numbers(SNAPSHOT)
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == before, "published dates change together: it waits for the others"


def test_a_report_is_republished_with_its_files(installation: Installation) -> None:
    old = figures(installation, 1)
    command("republish", REPORT, 1, "--partition", "2024-02", "--reason", "the minister has it")
    installation.work()
    assert figures(installation) == old
    artifacts = installation.platform.control.rows(
        "select version, name, uri, sha256 from version_artifact where dataset = %(dataset)s order by name, version",
        {"dataset": REPORT},
    )
    by_version = {
        number: [(row["name"], row["uri"], row["sha256"]) for row in artifacts if row["version"] == number]
        for number in (1, 3)
    }
    assert by_version[1] == by_version[3] != []
    assert f"{MONTH} is held" in command("plan")
    command("release", REPORT, "--reason", "he knows")
    installation.work()
    assert figures(installation) == figures(installation, 2)


def test_a_missing_file_refuses_the_version_and_changes_nothing(installation: Installation) -> None:
    before = snapshots(installation)
    with installation.platform.control.read() as connection:
        (file,) = listing.files(connection, SNAPSHOT, 1, LAST)
    Path(urlparse(file["file_path"]).path).unlink()
    with pytest.raises(ConfigurationError, match="is missing"):
        command("republish", SNAPSHOT, 1, "--reason", "back")
    assert snapshots(installation) == before
    assert open_pins(installation) == []
    command("republish", SNAPSHOT, 1, "--partition", FIRST, "--reason", "another date is whole")
    assert open_pins(installation) == [(FIRST, FIRST)]
    with pytest.raises(ConfigurationError, match="did not change"):
        command("republish", SNAPSHOT, 2, "--partition", FIRST, "--reason", "version 2 has it from 1")
    with pytest.raises(ConfigurationError, match="no completed version 9"):
        command("republish", SNAPSHOT, 9, "--reason", "none")
