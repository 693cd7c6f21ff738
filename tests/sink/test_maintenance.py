"""Upkeep of a table that has versions, refused stages and living ones."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from casegold.domain.errors import ExitClass
from casegold.manifest import listing, store, versions
from casegold.runtime.cli.maintain import maintain
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import move_head
from casegold.sink.maintenance import expire_snapshots
from casegold.sink.publish import publish
from casegold.sink.staging import branch_name
from tests.sink.test_publish import DAY, GOLD, _claim, _staged


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def test_versions_stay_readable_and_only_useless_stages_go(platform: Platform) -> None:
    first = _claim(platform, 1)
    publish(platform.control, platform.lake, first, _staged(platform, first, "a"))
    store.finish(platform.control, first, ExitClass.SUCCESS, "", {})
    branches = {}
    for number, end in ((2, ExitClass.VALIDATION_FAILED), (3, ExitClass.BUG)):
        claim = _claim(platform, number)
        _staged(platform, claim, "b")
        store.finish(platform.control, claim, end, "", {})
        branches[end] = branch_name(claim.run_id, claim.attempt)
    for _ in range(25):
        move_head(platform.lake.table(GOLD), {})

    shown = CliRunner().invoke(maintain, [GOLD], catch_exceptions=False)
    assert GOLD in shown.output
    table = platform.lake.table(GOLD)
    assert branches[ExitClass.VALIDATION_FAILED] in table.refs()
    assert branches[ExitClass.BUG] not in table.refs()
    assert len(table.snapshots()) == 21
    with platform.control.write("by a test") as connection:
        recorded = [row["file_path"] for row in listing.files(connection, GOLD, 1, DAY)]
        current = versions.current_files(connection, GOLD, [DAY])
    assert recorded == [file.file_path for file in platform.lake.data_files(GOLD)] == [file.path for file in current]
    assert table.io.new_input(recorded[0]).exists()

    later = _claim(platform, 4)
    assert publish(platform.control, platform.lake, later, _staged(platform, later, "a", "b")).version == 2


def test_expiry_asked_for_twice_finds_nothing_to_do(platform: Platform) -> None:
    for _ in range(5):
        move_head(platform.lake.table(GOLD), {})
    assert expire_snapshots(platform.lake, GOLD, keep=2) == 4
    assert expire_snapshots(platform.lake, GOLD, keep=2) == 0
