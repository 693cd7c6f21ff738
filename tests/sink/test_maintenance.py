"""Maintenance of a table that has versions, refused stages and living ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner

from casegold.cli.maintain import maintain
from casegold.control.runs import attempts, manifests
from casegold.control.runs.claimed_tables import claim_of, claims, tables_of
from casegold.control.versions import listing, official_state
from casegold.domain.errors import ConfigurationError, Deferred, ExitClass
from casegold.domain.sql import query
from casegold.jobs.maintenance import preview
from casegold.jobs.views import engine
from casegold.operations import nightly_maintenance
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink import maintenance
from casegold.sink.compaction import COMPACTED, compact
from casegold.sink.lake import move_head
from casegold.sink.maintenance import Expired, expire_snapshots, manifest_count, merge_manifests
from casegold.sink.publish import publish
from casegold.sink.staging import HASHES, Stage, branch_name
from tests.sink.bronze import records
from tests.sink.test_publish import DAY, GOLD, _claim, _rows, _staged


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def test_versions_stay_readable_and_only_useless_stages_go(platform: Platform) -> None:
    first = _claim(platform, 1)
    publish(platform.control, platform.lake, first, _staged(platform, first, "a"))
    attempts.finish(platform.control, first, ExitClass.SUCCESS, "", {})
    branches = {}
    for number, end in ((2, ExitClass.VALIDATION_FAILED), (3, ExitClass.BUG)):
        claim = _claim(platform, number)
        _staged(platform, claim, "b")
        attempts.finish(platform.control, claim, end, "", {})
        branches[end] = branch_name(claim.run_id, claim.attempt)
    for _ in range(25):
        move_head(platform.lake.table(GOLD), {})

    shown = CliRunner().invoke(maintain, [GOLD], catch_exceptions=False)
    assert GOLD in shown.output
    table = platform.lake.table(GOLD)
    assert branches[ExitClass.VALIDATION_FAILED] in table.refs()
    assert branches[ExitClass.BUG] not in table.refs()
    assert len(table.snapshots()) == 22, "of main, of a refused stage, and of the tag of version 1"
    with platform.control.write("by a test") as connection:
        recorded = [row["file_path"] for row in listing.files(connection, GOLD, 1, DAY)]
        current = official_state.current_files(connection, GOLD, [DAY])
    assert recorded == [file.file_path for file in platform.lake.data_files(GOLD)] == [file.path for file in current]
    assert table.io.new_input(recorded[0]).exists()

    later = _claim(platform, 4)
    assert publish(platform.control, platform.lake, later, _staged(platform, later, "a", "b")).version == 2


def test_expiry_asked_for_twice_finds_nothing_to_do(platform: Platform) -> None:
    for _ in range(5):
        move_head(platform.lake.table(GOLD), {})
    assert expire_snapshots(platform.lake, GOLD, {}, keep=2) == Expired(0, 4)
    assert expire_snapshots(platform.lake, GOLD, {}, keep=2) == Expired(0, 0)


def test_a_merge_leaves_files_and_properties_as_they_are(platform: Platform) -> None:
    """Publishes without end: each leaves a manifest, and a date keeps its files through the merge."""
    claim = _claim(platform, 1)
    publish(platform.control, platform.lake, claim, _staged(platform, claim, "a"))
    stage = Stage.open(platform.lake, GOLD, "0" * 64, 1)
    for day in range(1, 7):
        stage.write(DAY + timedelta(days=day), _rows(platform, "a"), 0, HASHES)
    for file in stage._new:
        with (
            platform.lake.table(GOLD).transaction() as transaction,
            transaction.update_snapshot().fast_append() as update,
        ):
            update.append_data_file(file)
    files = {file.file_path for file in platform.lake.data_files(GOLD)}
    properties = dict(platform.lake.properties(GOLD))
    assert merge_manifests(platform.lake, GOLD, keep=7) == 0
    assert merge_manifests(platform.lake, GOLD, keep=5) == 6
    assert manifest_count(platform.lake.table(GOLD)) == 1
    assert {file.file_path for file in platform.lake.data_files(GOLD)} == files
    assert dict(platform.lake.properties(GOLD)) == properties


def test_whoever_planned_before_a_compaction_still_finds_the_files(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, dataset = platform.lake, "bronze/case_events"
    for seq in range(1, 10):
        lake.append(dataset, records(seq), seq=seq)
    with engine(platform) as duck:
        compact(lake, duck, dataset)
    for _ in range(5):
        move_head(lake.table(dataset), {})
    expire_snapshots(lake, dataset, {}, keep=2)
    assert len(lake.table(dataset).snapshots()) == 4
    monkeypatch.setattr(maintenance, "KEEP_REPLACED", timedelta(0))
    assert expire_snapshots(lake, dataset, {}, keep=2) == Expired(0, 2)


def test_a_dry_run_tells_and_does_nothing(platform: Platform) -> None:
    for seq in range(1, 10):
        platform.lake.append("bronze/case_events", records(seq), seq=seq)
    for _ in range(25):
        move_head(platform.lake.table("bronze/case_events"), {})
    found = preview(platform, "bronze/case_events", "silver/case_events").would_do
    assert (found.files_joined, found.files_made, found.snapshots_expired, found.orphans) == (9, 1, 15, 0)
    shown = CliRunner().invoke(maintain, ["bronze/case_events", "--dry-run"], catch_exceptions=False)
    assert "bronze/rejected_events" in shown.output, "written under the same claim"
    assert "no orphan files" in shown.output
    assert len(platform.lake.data_files("bronze/case_events")) == 9
    with platform.control.read() as connection:
        assert manifests.open_manifests(connection) == []

    done = nightly_maintenance.maintain(platform, "silver/case_events", "test", "test")
    assert list(done) == ["bronze/case_events", "bronze/rejected_events", "silver/case_events"]
    assert done["bronze/case_events"].files_joined == 9
    assert len(platform.lake.data_files("bronze/case_events")) == 1
    assert (
        nightly_maintenance.maintain(platform, "silver/case_events", "test", "test")["bronze/case_events"].files_joined
        == 0
    )
    with pytest.raises(Deferred, match="already maintained today"):
        nightly_maintenance.maintain(platform, "silver/case_events", "test", "test")


def test_an_unknown_table_is_refused(platform: Platform) -> None:
    shown = CliRunner().invoke(maintain, ["silver/nothing"])
    assert isinstance(shown.exception, ConfigurationError)
    assert "gold/case_daily_snapshot" in shown.exception.remedy
    assert platform is not None


def test_every_table_is_written_under_one_claim(platform: Platform) -> None:
    tables = [table for claim in claims(platform.contracts) for table in tables_of(claim)]
    assert len(tables) == len(set(tables))
    assert set(tables) >= COMPACTED
    assert {contract.dataset for contract in platform.contracts} <= set(tables)
    assert all(table in tables_of(claim_of(table)) for table in tables)


def test_whoever_died_after_asking_blocks_nobody(platform: Platform) -> None:
    """Maintenance that was asked for and never started: it is taken up, and it gives way to ingest and planner."""
    asked = nightly_maintenance._ask(platform, "silver/case_events", "test")
    assert nightly_maintenance._ask(platform, "silver/case_events", "test") == asked
    with platform.control.read() as connection:
        assert connection.execute(query("casegold.control.planning", "planner_busy")).fetchall() == []
        parameters = {"dataset": "silver/case_events"}
        assert connection.execute(query("casegold.control.ingest", "ingest_in_flight"), parameters).fetchone() is None
    assert nightly_maintenance.maintain(platform, "silver/case_events", "test", "test")


def test_a_claimed_dataset_is_left_for_another_time(platform: Platform) -> None:
    _claim(platform, 1)
    with pytest.raises(Deferred, match="a run of it is open"):
        nightly_maintenance.maintain(platform, GOLD, "test", "test")
