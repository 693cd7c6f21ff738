"""Whatever happened to a table: what anybody names stays, what nobody names goes once it is old enough."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from casegold.control.integrity import maintenance_requests
from casegold.control.runs import attempts
from casegold.domain.errors import ExitClass, InvariantBroken
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink import orphans
from casegold.sink.compaction import compact, plan
from casegold.sink.lake import local_path, move_head
from casegold.sink.maintenance import KEEP_REPLACED, expire_snapshots, merge_manifests
from casegold.sink.orphans import GRACE, Orphan, delete_orphans, find_orphans
from casegold.sink.publish import publish
from casegold.sink.staging import HASHES, Stage
from tests.sink.bronze import records
from tests.sink.test_publish import DAY, GOLD, _claim, _rows, _staged

BRONZE = "bronze/case_events"
NUMBERS = itertools.count(1)


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _named(platform: Platform, dataset: str) -> set[str]:
    with platform.control.read() as connection:
        return maintenance_requests.named_files(connection, dataset)


def _find(platform: Platform, dataset: str) -> list[Orphan]:
    """What would be found had all files been written long ago."""
    later = datetime.now(UTC) + GRACE + timedelta(minutes=1)
    return find_orphans(platform.lake, dataset, lambda: _named(platform, dataset), now=later)


def _published(platform: Platform, *cases: str) -> None:
    claim = _claim(platform, next(NUMBERS))
    publish(platform.control, platform.lake, claim, _staged(platform, claim, *cases))
    attempts.finish(platform.control, claim, ExitClass.SUCCESS, "", {})


def _refused(platform: Platform) -> None:
    """A stage that stays on its branch, to be looked at."""
    claim = _claim(platform, next(NUMBERS))
    _staged(platform, claim, "refused")
    attempts.finish(platform.control, claim, ExitClass.VALIDATION_FAILED, "", {})


def _abandoned_stage(platform: Platform) -> str:
    """A data file whose stage died before it was finished."""
    stage = Stage.open(platform.lake, GOLD, f"{next(NUMBERS):064}", 1)
    stage.write(DAY, _rows(platform, "dead"), 0, HASHES)
    return local_path(stage._new[0].file_path)


def _readable(platform: Platform, dataset: str) -> dict[int, int]:
    """Rows of every snapshot that is kept, of whatever branch, read from its files."""
    table = platform.lake.table(dataset)
    return {
        each.snapshot_id: table.scan(snapshot_id=each.snapshot_id).to_arrow().num_rows for each in table.snapshots()
    }


def _files(platform: Platform, dataset: str) -> set[str]:
    root = Path(local_path(platform.lake.table(dataset).location()))
    return {str(path) for path in root.rglob("*") if path.is_file()}


def _delete(platform: Platform, dataset: str, found: Collection[Orphan]) -> None:
    before = _files(platform, dataset)
    delete_orphans(platform.lake, dataset, found)
    assert _files(platform, dataset) == before - {each.path for each in found}


def test_a_dead_stage_goes_and_a_young_one_stays(platform: Platform) -> None:
    _published(platform, "a")
    dead, young = _abandoned_stage(platform), _abandoned_stage(platform)
    long_ago = (datetime.now(UTC) - GRACE - timedelta(hours=1)).timestamp()
    os.utime(dead, (long_ago, long_ago))
    found = find_orphans(platform.lake, GOLD, lambda: _named(platform, GOLD))
    assert [each.path for each in found] == [dead]
    assert delete_orphans(platform.lake, GOLD, found) == found[0].bytes > 0
    delete_orphans(platform.lake, GOLD, found)
    assert not Path(dead).exists()
    assert Path(young).exists()
    assert young in {each.path for each in _find(platform, GOLD)}


def test_what_is_committed_while_names_are_gathered_stays(platform: Platform) -> None:
    """Files are listed, then an old stage becomes official: its file is named by then."""
    claim = _claim(platform, next(NUMBERS))
    new = _staged(platform, claim, "a")

    def named() -> set[str]:
        publish(platform.control, platform.lake, claim, new)
        return _named(platform, GOLD)

    later = datetime.now(UTC) + GRACE + timedelta(minutes=1)
    delete_orphans(platform.lake, GOLD, find_orphans(platform.lake, GOLD, named, now=later))
    assert _readable(platform, GOLD)


def test_replaced_versions_and_artifacts_stay_when_their_snapshots_are_gone(platform: Platform) -> None:
    artifact = platform.lake.write_artifact(GOLD, "run", "a.csv", b"1")
    for cases in ("a", "b", "c"):
        _published(platform, cases)
    for _ in range(5):
        move_head(platform.lake.table(GOLD), {})
    expire_snapshots(platform.lake, GOLD, {}, keep=2)
    found = _find(platform, GOLD)
    assert local_path(artifact) in {each.path for each in found}, "no version names it"
    _delete(platform, GOLD, found)
    assert {local_path(name) for name in _named(platform, GOLD)} <= _files(platform, GOLD)
    assert len(_named(platform, GOLD)) == 3


def test_files_that_others_put_there_are_not_judged(platform: Platform) -> None:
    root = Path(local_path(platform.lake.table(GOLD).location()))
    (root / "metadata" / "note.txt").write_text("x")
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "x.parquet").write_text("x")
    assert _find(platform, GOLD) == []


def test_a_listing_of_the_wrong_place_deletes_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.lake.table(GOLD)
    monkeypatch.setattr(orphans, "_listed", lambda _: iter(()))
    with pytest.raises(InvariantBroken, match="lacks"):
        _find(platform, GOLD)


GOLD_STEPS = ("publish", "refused", "dead", "expire", "merge", "delete")


@hypothesis_settings(max_examples=8)
@given(history=st.lists(st.sampled_from(GOLD_STEPS), min_size=3, max_size=8))
def test_no_history_of_versions_makes_a_named_file_an_orphan(platform: Platform, history: list[str]) -> None:
    for step in history:
        match step:
            case "publish":
                _published(platform, f"case-{next(NUMBERS)}")
            case "refused":
                _refused(platform)
            case "dead":
                _abandoned_stage(platform)
            case "expire":
                expire_snapshots(platform.lake, GOLD, {}, keep=1)
            case "merge":
                merge_manifests(platform.lake, GOLD, keep=1)
            case "delete":
                _delete(platform, GOLD, _find(platform, GOLD))
    rows = _readable(platform, GOLD)
    _delete(platform, GOLD, _find(platform, GOLD))
    assert _readable(platform, GOLD) == rows
    assert {local_path(name) for name in _named(platform, GOLD)} <= _files(platform, GOLD)
    assert _find(platform, GOLD) == []


BRONZE_STEPS = ("append", "append", "compact", "expire", "delete")


@hypothesis_settings(max_examples=8)
@given(history=st.lists(st.sampled_from(BRONZE_STEPS), min_size=3, max_size=10), quick=st.booleans())
def test_no_history_of_appends_loses_a_row(platform: Platform, history: list[str], quick: bool) -> None:
    """`quick`: two days pass at once, so that even what a compaction replaced is nobody's."""
    lake = platform.lake
    with pytest.MonkeyPatch.context() as patch, engine(platform) as duck:
        patch.setattr("casegold.sink.maintenance.KEEP_REPLACED", timedelta(0) if quick else KEEP_REPLACED)
        for step in history:
            match step:
                case "append":
                    seq = lake.last_seq(BRONZE) + 1
                    lake.append(BRONZE, records(seq), seq=seq)
                case "compact":
                    compact(lake, duck, BRONZE, plan(lake, BRONZE, min_files=2))
                case "expire":
                    expire_snapshots(lake, BRONZE, {}, keep=1)
                case "delete":
                    _delete(platform, BRONZE, _find(platform, BRONZE))
        rows = _readable(platform, BRONZE)
        _delete(platform, BRONZE, _find(platform, BRONZE))
    assert _readable(platform, BRONZE) == rows
    seqs = sorted(row["ingest_seq"] for row in lake.table(BRONZE).scan().to_arrow().to_pylist())
    assert seqs == sorted(list(range(1, lake.last_seq(BRONZE) + 1)) * 3)
