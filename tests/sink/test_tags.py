"""Every official version has its tag, and no other tag has such a name; whatever stops a publisher."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from casegold.control.integrity import maintenance_requests
from casegold.control.runs import attempts
from casegold.control.versions import listing
from casegold.domain.errors import CasegoldError, ExitClass, InvariantBroken
from casegold.jobs.maintenance import preview
from casegold.operations import nightly_maintenance, reconciliation
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink import tags
from casegold.sink.maintenance import Expired, expire_snapshots
from casegold.sink.publish import publish, resolve_undecided
from tests.sink.test_publish import DAY, GOLD, Stopped, _claim, _commit_then, _staged


@pytest.fixture
def platform(database: Settings) -> Platform:
    return open_platform(database)


def published(platform: Platform, number: int, *cases: str) -> int:
    claim = _claim(platform, number)
    version = publish(platform.control, platform.lake, claim, _staged(platform, claim, *cases)).version
    attempts.finish(platform.control, claim, ExitClass.SUCCESS, "", {})
    return version


def official(platform: Platform) -> dict[int, int]:
    with platform.control.read() as connection:
        return maintenance_requests.official_snapshots(connection, GOLD)


def tagged(platform: Platform) -> dict[str, int]:
    refs = platform.lake.table(GOLD).refs()
    return {name: ref.snapshot_id for name, ref in refs.items() if ref.snapshot_ref_type == "tag"}


def as_official(platform: Platform) -> dict[str, int]:
    return {tags.tag_of(version): snapshot_id for version, snapshot_id in official(platform).items()}


def cases_of(platform: Platform, tag: str) -> list[str]:
    table = platform.lake.table(GOLD)
    snapshot = table.snapshot_by_name(tag)
    assert snapshot is not None
    return sorted(table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()["case_id"].to_pylist())


def differing(platform: Platform) -> list[dict[str, Any]]:
    return [found for found in reconciliation.versions_that_differ(platform, GOLD) if "tag" in found]


def test_a_version_is_read_by_its_tag(platform: Platform) -> None:
    for number, cases in enumerate((("a",), ("a", "b"), ("b",)), start=1):
        assert published(platform, number, *cases) == number
    assert tagged(platform) == as_official(platform)
    assert list(tagged(platform)) == ["v000001", "v000002", "v000003"]
    assert cases_of(platform, "v000002") == ["a", "b"]


@pytest.mark.parametrize("error", [Stopped(), OperationalError("commit", {}, ConnectionError("gone"))])
@pytest.mark.parametrize("committed", [True, False])
def test_a_dead_publisher_leaves_a_tag_exactly_where_it_leaves_a_version(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, committed: bool, error: Exception
) -> None:
    published(platform, 1, "a")
    claim = _claim(platform, 2)
    new = _staged(platform, claim, "a", "b")
    _commit_then(monkeypatch, platform, commit=committed, error=error)
    if isinstance(error, Stopped):
        with pytest.raises(Stopped):
            publish(platform.control, platform.lake, claim, new)
        assert ("v000002" in tagged(platform)) == committed
        assert differing(platform) == [], "what is not decided yet is no difference"
        resolve_undecided(platform.control, platform.lake, claim)
    else:
        publish(platform.control, platform.lake, claim, new)
    assert tagged(platform) == as_official(platform)
    assert differing(platform) == []


def test_a_paused_publisher_that_was_abandoned_makes_no_tag(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit is refused for the head of main. Were the tag's requirement staged first, it would land."""
    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    commit = platform.lake.catalog.commit_table

    def paused(*arguments: Any) -> Any:
        monkeypatch.setattr(platform.lake.catalog, "commit_table", commit)
        assert resolve_undecided(platform.control, platform.lake, claim) is None
        return commit(*arguments)

    monkeypatch.setattr(platform.lake.catalog, "commit_table", paused)
    with pytest.raises(CasegoldError):
        publish(platform.control, platform.lake, claim, new)
    assert tagged(platform) == {} == as_official(platform)
    assert platform.lake.data_files(GOLD) == []


def test_a_foreign_tag_in_the_way_is_told_and_not_moved(platform: Platform) -> None:
    table = platform.lake.table(GOLD)
    table.manage_snapshots().create_tag(table.metadata.current_snapshot_id or 0, "v000001").commit()
    before = tagged(platform)
    claim = _claim(platform, 1)
    with pytest.raises(InvariantBroken, match="before version 1 was published"):
        publish(platform.control, platform.lake, claim, _staged(platform, claim, "a"))
    assert tagged(platform) == before


def test_maintenance_keeps_the_newest_tags_and_peoples_own(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "TAGS_KEPT", 2)
    monkeypatch.setattr("casegold.jobs.maintenance.SNAPSHOTS_KEPT", 1)
    for number in range(1, 6):
        published(platform, number, *"abcde"[:number])
    table = platform.lake.table(GOLD)
    table.manage_snapshots().create_tag(official(platform)[1], "inspection-2026").commit()
    assert differing(platform) == [], "a tag that outlived its time is maintenance's"
    would = preview(platform, GOLD, GOLD).would_do
    done = nightly_maintenance.maintain(platform, GOLD, "test", "test")[GOLD]
    assert (done.tags_changed, done.snapshots_expired) == (3, would.snapshots_expired)
    assert done.tags_changed == would.tags_changed
    assert sorted(tagged(platform)) == ["inspection-2026", "v000004", "v000005"]
    assert cases_of(platform, "v000004") == ["a", "b", "c", "d"]
    assert cases_of(platform, "inspection-2026") == ["a"]
    assert len(platform.lake.table(GOLD).snapshots()) == 3, "head and tags, one of which is the head's"
    assert expire_snapshots(platform.lake, GOLD, official(platform), keep=1) == Expired(0, 0)
    with platform.control.read() as connection:
        recorded = listing.files(connection, GOLD, 2, DAY)
    assert platform.lake.table(GOLD).io.new_input(recorded[0]["file_path"]).exists(), "readable without a tag"


def test_tags_changed_by_hand_are_found_and_mended(platform: Platform) -> None:
    for number, cases in enumerate((("a",), ("a", "b"), ("b",)), start=1):
        published(platform, number, *cases)
    assert list(reconciliation.versions_that_differ(platform, GOLD)) == []
    snapshots = official(platform)
    references = platform.lake.table(GOLD).manage_snapshots()
    references.remove_tag("v000001").create_tag(snapshots[3], "v000002").create_tag(snapshots[3], "v000007").commit()
    found = {each["tag"]: each["problem"] for each in differing(platform)}
    assert found.keys() == {"v000001", "v000002", "v000007"}
    assert found["v000002"] == f"names snapshot {snapshots[3]}, should name {snapshots[2]}"
    done = nightly_maintenance.maintain(platform, GOLD, "test", "test")[GOLD]
    assert done.tags_changed == 3
    assert tagged(platform) == as_official(platform)
    assert differing(platform) == []
