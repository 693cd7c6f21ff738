"""A cure that dies at any of its effects: whoever asks again ends it, and nothing is half mended."""

from __future__ import annotations

import pytest

from casegold.control.integrity import repair_ledger
from tests.crash.restarts import let_time_pass, one_command
from tests.e2e.installation import SNAPSHOT, Installation
from tests.mending.house import REJECTED, SILVER, differences, drop, local, rows
from tests.mending.test_repair import append_foreign_rows, main_is_right, remove_files
from tests.sampling.choose import ENDS, turns

REBUILD_EFFECTS = ("rebuild-ask", "rebuild-append", "rebuild-switch")
REPAIR_EFFECTS = ("repair-ask", "repair-write", "repair-plan", "repair-file", "repair-commit", "repair-done")
REBUILD = ["rebuild", SILVER, "--reason", "dropped by mistake"]

FIX = ["reconcile", "--fix", "--reason", "another job wrote here"]


def ask_again(house: Installation, command: list[str]) -> None:
    """Once is enough, as soon as a dead run is known to be dead."""
    let_time_pass(house.platform.control)
    assert one_command(command).finished
    assert house.platform.control.rows("select run_id from run_manifest where state = 'OPEN'") == []


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("effect", "at"), [*((effect, 1) for effect in REBUILD_EFFECTS), ("rebuild-append", 4), ("rebuild-switch", 2)]
)
def test_a_rebuild_that_dies_is_asked_for_again(house: Installation, effect: str, at: int) -> None:
    """At every end, one after the other; `at` is the time at which it fails."""
    platform = house.platform
    before = {dataset: rows(platform, dataset) for dataset in (SILVER, REJECTED)}
    for end in ENDS:
        for dataset in before:
            drop(platform, dataset)
        assert one_command(REBUILD, f"{effect}.{end}@{at}").fired
        ask_again(house, REBUILD)
        for dataset, old in before.items():
            found = rows(platform, dataset)
            assert differences(platform, old, found, without="recorded_at") == 0, f"{dataset} after {end}"
            assert platform.lake.table(dataset).refs().keys() == {"main"}


@pytest.mark.sampled
@pytest.mark.parametrize("points", turns(REPAIR_EFFECTS), ids=range(len(ENDS)))
def test_a_repair_that_dies_is_asked_for_again(house: Installation, points: tuple[str, ...]) -> None:
    """One installation is damaged again and again; each time its repair dies one point further."""
    platform = house.platform
    before = rows(platform, SNAPSHOT)
    for point in points:
        append_foreign_rows(platform)
        (removed,) = remove_files(platform, 1)
        lost = repair_ledger.official(platform.control, SNAPSHOT)[-1].path
        local(lost).unlink()
        assert one_command(FIX, point).fired, point
        ask_again(house, FIX)
        assert main_is_right(platform), point
        assert local(lost).exists(), point
        assert differences(platform, before, rows(platform, SNAPSHOT)) == 0, point
        told = platform.control.rows(
            "select action, file_path, snapshot_id from repair order by repair_id desc limit 3"
        )
        assert {row["action"] for row in told} == {"REMOVED", "RESTORED", "RECOMPUTED"}, point
        assert {lost, removed} <= {row["file_path"] for row in told}, point
        assert None not in {row["snapshot_id"] for row in told}, point
