"""Main is put back to official versions; lost files come back by their digest, or nothing of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyiceberg.exceptions import CommitFailedException

from casegold.cli.main import casegold
from casegold.control.db import ControlDb
from casegold.control.integrity import repair_ledger
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass, InvariantBroken, NotReproduced, TableLost
from casegold.operations import repairs
from casegold.runtime.platform import Platform
from casegold.runtime.settings import Settings
from casegold.sink import repair
from casegold.transform import version
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.history.story import LAST, OVERRIDES, SINCE, send_late, snapshots, tell
from tests.mending.house import differences, drop, local, rows

FIX = ("reconcile", "--fix", "--reason", "another job wrote here")


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def house(settings: Settings) -> Installation:
    """Version 1 of ten dates, version 2 of the last three."""
    installation = tell(settings)
    command("reconcile")  # from here on only what is new is looked at
    return installation


def main_is_right(platform: Platform, dataset: str = SNAPSHOT) -> bool:
    return not repair.difference(platform.lake, dataset, repair_ledger.official(platform.control, dataset))


def append_foreign_rows(platform: Platform) -> int:
    """As another writer does; the snapshot that it made."""
    table = platform.lake.table(SNAPSHOT)
    foreign = rows(platform, SNAPSHOT).slice(0, 2)
    table.append(foreign.cast(table.schema().as_arrow()))
    head = platform.lake.table(SNAPSHOT).current_snapshot()
    assert head is not None
    return head.snapshot_id


def remove_files(platform: Platform, count: int) -> list[str]:
    """Entries of official files are deleted on main."""
    table = platform.lake.table(SNAPSHOT)
    official = {file.path for file in repair_ledger.official(platform.control, SNAPSHOT)}
    files = [file for file in platform.lake.data_files(SNAPSHOT) if file.file_path in official][:count]
    with table.transaction() as transaction, transaction.update_snapshot().overwrite() as update:
        for file in files:
            update.delete_data_file(file)
    return [file.file_path for file in files]


def repairs_of(platform: Platform) -> list[dict[str, Any]]:
    return platform.control.rows(
        "select action, file_path, wrong_snapshot, snapshot_id, requested_by, parameters ->> 'reason' as reason"
        " from repair join run_manifest using (run_id) order by repair_id"
    )


def test_foreign_files_leave_main_and_official_ones_come_back(house: Installation) -> None:
    platform = house.platform
    before, published = rows(platform, SNAPSHOT), snapshots(house)
    foreign = append_foreign_rows(platform)
    (added,) = {f.file_path for f in platform.lake.data_files(SNAPSHOT)} - {
        f.path for f in repair_ledger.official(platform.control, SNAPSHOT)
    }
    (removed,) = remove_files(platform, 1)
    assert differences(platform, before, rows(platform, SNAPSHOT)) > 0
    assert snapshots(house) == published, "whoever reads versions was right all the time"
    with pytest.raises(ConfigurationError, match="differ from the official versions"):
        command("reconcile", "--fix")
    said = command(*FIX)
    assert str(foreign) in said and "REMOVED" in said and "RESTORED" in said
    assert differences(platform, before, rows(platform, SNAPSHOT)) == 0
    assert main_is_right(platform)
    head = platform.lake.table(SNAPSHOT).current_snapshot()
    assert head is not None and head.summary is not None
    assert head.summary.additional_properties["casegold.reason"] == "another job wrote here"
    first, second = repairs_of(platform)
    assert (first["action"], first["file_path"], first["wrong_snapshot"]) == ("REMOVED", added, foreign)
    assert (second["action"], second["file_path"]) == ("RESTORED", removed)
    assert {each["snapshot_id"] for each in (first, second)} == {head.snapshot_id}
    assert {each["reason"] for each in (first, second)} == {"another job wrote here"}
    assert local(added).exists(), "nothing foreign is deleted by it"
    command(*FIX)
    assert len(repairs_of(platform)) == 2, "nothing is left to be done"


def test_a_file_that_is_on_main_twice_is_there_once_again(house: Installation) -> None:
    platform = house.platform
    (file, *_) = platform.lake.data_files(SNAPSHOT)
    table = platform.lake.table(SNAPSHOT)
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as update:
        update.append_data_file(file)
    assert "on main 2 times" in command("reconcile", expect=ExitClass.VALIDATION_FAILED)
    command(*FIX)
    assert main_is_right(platform)
    paths = [each.file_path for each in platform.lake.data_files(SNAPSHOT)]
    assert len(paths) == len(set(paths))


def test_lost_files_of_every_version_are_computed_again(house: Installation) -> None:
    platform = house.platform
    published, first = snapshots(house), snapshots(house, 1)
    for recorded in repair_ledger.recorded(platform.control, SNAPSHOT):
        local(recorded.file.path).unlink()
    (report, *_) = platform.lake.data_files(REPORT)
    local(report.file_path).unlink()
    assert command(*FIX).count("RECOMPUTED") == 14
    assert (snapshots(house), snapshots(house, 1)) == (published, first)
    command("verify", SNAPSHOT)
    command("verify", REPORT)
    assert main_is_right(platform)


def test_a_dropped_gold_is_refused_and_comes_back(house: Installation, settings: Settings) -> None:
    platform = house.platform
    before = rows(platform, SNAPSHOT)
    drop(platform, SNAPSHOT)
    (path, *_) = (each.file.path for each in repair_ledger.recorded(platform.control, SNAPSHOT))
    local(path).unlink()
    send_late(settings, "one more", SINCE)
    house.work()
    (run,) = platform.control.rows("select outcome from run_manifest where state = 'FAILED'")
    assert "gold/case_daily_snapshot is gone" in run["outcome"]["error"]
    with pytest.raises(TableLost):
        command("maintain", SNAPSHOT)
    said = command(*FIX)
    assert "RECOMPUTED" in said and "RESTORED" in said
    assert differences(platform, before, rows(platform, SNAPSHOT)) == 0
    assert main_is_right(platform)
    (failed,) = platform.control.rows("select run_id from run_manifest where state = 'FAILED'")
    command("retry", failed["run_id"], "--reason", "gold is back")
    house.work()
    assert house.version_numbers(SNAPSHOT) == [1, 2, 3]
    assert main_is_right(platform)


def test_other_rules_bring_no_file_back(house: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = house.platform
    append_foreign_rows(platform)
    (recorded, *_) = repair_ledger.recorded(platform.control, SNAPSHOT)
    local(recorded.file.path).unlink()
    monkeypatch.setattr(version, "versions", lambda _products: {"snapshot": "snapshot-99+0123456789ab"})
    with pytest.raises(InvariantBroken, match=r"cannot be computed again: .*installed is snapshot-99") as refused:
        command(*FIX)
    assert "docs/runbooks/lost-files.md" in refused.value.remedy
    assert not local(recorded.file.path).exists()
    assert main_is_right(platform), "the foreign file does not wait for a file that is named there all the same"


def test_other_facts_bring_no_file_back_and_a_part_of_a_partition_never_gets_to_main(house: Installation) -> None:
    platform = house.platform
    (facts, *_) = (local(file.file_path) for file in platform.lake.data_files("silver/case_events"))
    kept = facts.read_bytes()
    change_a_case(facts)
    lost = [each.file for each in repair_ledger.recorded(platform.control, SNAPSHOT) if each.file.partition == LAST]
    for file in lost:
        local(file.path).unlink()
    drop(platform, SNAPSHOT)
    with pytest.raises(NotReproduced, match="main was left as it is"):
        command(*FIX)
    (official,) = (file for file in repair_ledger.official(platform.control, SNAPSHOT) if file.partition == LAST)
    assert not local(official.path).exists()
    assert platform.lake.for_mending().data_files(SNAPSHOT) == []
    facts.write_bytes(kept)
    command(*FIX)
    assert main_is_right(platform)


def change_a_case(path: Path) -> None:
    facts = pq.read_table(path)
    place = facts.column_names.index("case_id")
    pq.write_table(facts.set_column(place, facts.schema.field(place), pa.array(["x"] * facts.num_rows)), path)


def test_a_repair_whose_main_moved_is_refused_by_the_catalog(house: Installation) -> None:
    platform = house.platform
    append_foreign_rows(platform)
    official = repair_ledger.official(platform.control, SNAPSHOT)
    stale = repair.difference(platform.lake, SNAPSHOT, official)
    paused = platform.lake.table(SNAPSHOT)
    append_foreign_rows(platform)
    with pytest.raises(CommitFailedException):
        repair._swap(paused, stale, [], {})
    with pytest.raises(CommitFailedException):
        repair._swap(platform.lake.table(SNAPSHOT), stale, [], {})
    command(*FIX)
    assert main_is_right(platform)


def test_a_repair_waits_for_a_run_and_says_so(house: Installation) -> None:
    platform = house.platform
    append_foreign_rows(platform)
    with ControlDb(platform.settings.owner_url()).write("by a test") as connection:
        connection.execute(
            "update run_manifest set state = 'OPEN', ended_at = null where run_id ="
            " (select run_id from run_manifest where dataset = %s and state = 'SUCCEEDED' limit 1)",
            [SNAPSHOT],
        )
    with pytest.raises(Deferred, match="is open"):
        repairs.repair(platform, SNAPSHOT, "too early")
    assert not main_is_right(platform)


def test_a_reason_alone_is_no_order() -> None:
    said = CliRunner().invoke(casegold, ["reconcile", "--reason", "why not"])
    assert said.exit_code != 0
    assert "needs --fix" in said.output
