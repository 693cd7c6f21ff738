"""The commit protocol against a real catalog and control database, with a publisher that stops at each step."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError

from casegold.domain.errors import CasegoldError
from casegold.manifest import store, versions
from casegold.manifest.model import Claim, ManifestRequest, Mode, PartitionRange, Pipeline
from casegold.manifest.versions import NewVersion, Seen, VersionFile, VersionPartition
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.publish import publish, resolve_undecided
from casegold.sink.staging import HASHES, Stage

GOLD = "gold/case_daily_snapshot"
DAY = date(2026, 3, 1)


class Stopped(Exception):
    """The publisher's process died here."""


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _claim(platform: Platform, number: int) -> Claim:
    wanted = ManifestRequest(
        Pipeline.SNAPSHOT, GOLD, {"number": number}, "1", "test", partitions=PartitionRange(DAY, DAY)
    )
    with platform.control.transaction() as connection:
        manifest = store.request(connection, wanted)
        assert manifest is not None
        attempt = store.next_attempt(connection, manifest.run_id, "test")
        assert attempt is not None
    return store.start(platform.control, manifest.run_id, attempt.attempt, "test")


def _value(kind: pa.DataType, case: str) -> Any:
    if pa.types.is_date(kind):
        return DAY
    if pa.types.is_timestamp(kind):
        return datetime(2026, 3, 1, tzinfo=UTC)
    if pa.types.is_decimal(kind):
        return Decimal(1)
    if pa.types.is_boolean(kind):
        return False
    return case if pa.types.is_string(kind) else 1


def _staged(platform: Platform, claim: Claim, *cases: str) -> NewVersion:
    stage = Stage.open(platform.lake, GOLD, claim.run_id, claim.attempt)
    schema = platform.contracts[GOLD].arrow_schema()
    rows = [{field.name: _value(field.type, case) for field in schema} for case in cases]
    stage.write(DAY, pa.Table.from_pylist(rows, schema), 0, HASHES)
    staged = stage.finish()
    digest = staged.partitions[0].digest
    files = tuple(
        VersionFile(DAY, file.path, file.rows, file.bytes, file.digest.high, file.digest.low, 0, HASHES)
        for file in staged.partitions[0].files
    )
    return NewVersion(
        dataset=GOLD,
        base_snapshot_id=staged.base_snapshot_id,
        staged_branch=staged.branch,
        staged_snapshot_id=staged.snapshot_id,
        quality_status="PASSED",
        publication="OFFICIAL",
        transform_version="1",
        contract_version="1.0.0",
        mode=Mode.NORMAL,
        caused_by=(),
        partitions=(VersionPartition(DAY, digest.rows, digest.high, digest.low),),
        files=files,
        inputs=(),
        artifacts=(),
        seen=Seen(1, 1, "1", "1.0.0", {DAY: None}),
    )


def _official(platform: Platform) -> tuple[int, set[str]]:
    """The current version, and its recorded files; they are those of main."""
    with platform.control.transaction() as connection:
        state = versions.partition_states(connection, GOLD, DAY, DAY).get(DAY)
        recorded = {file.path for file in versions.current_files(connection, GOLD, [DAY])}
    assert recorded == {file.file_path for file in platform.lake.data_files(GOLD)}
    return (0 if state is None else state.version), recorded


def _commit_then(monkeypatch: pytest.MonkeyPatch, platform: Platform, *, commit: bool, error: Exception) -> None:
    """Raise at the next commit to the lake, after or instead of doing it."""
    real = platform.lake.catalog.commit_table

    def interrupted(*args: Any) -> Any:
        monkeypatch.setattr(platform.lake.catalog, "commit_table", real)
        if commit:
            real(*args)
        raise error

    monkeypatch.setattr(platform.lake.catalog, "commit_table", interrupted)


def test_a_version_replaces_its_partition_and_is_announced(platform: Platform) -> None:
    claim = _claim(platform, 1)
    first = publish(platform.control, platform.lake, claim, _staged(platform, claim, "a"))
    _, before = _official(platform)
    second = publish(platform.control, platform.lake, claim, _staged(platform, claim, "a", "b"))
    current, after = _official(platform)
    assert (first.version, second.version, current) == (1, 2, 2)
    assert before.isdisjoint(after)
    with platform.control.transaction() as connection:
        rows = connection.execute("select payload from outbox order by position").fetchall()
    assert [row["payload"]["versionNumber"] for row in rows] == [1, 2]


def test_a_lost_acknowledgement_is_looked_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    _commit_then(monkeypatch, platform, commit=True, error=OperationalError("commit", {}, ConnectionError("gone")))
    assert publish(platform.control, platform.lake, claim, new).version == _official(platform)[0] == 1


@pytest.mark.parametrize("committed", [True, False])
def test_a_dead_publisher_is_settled_by_what_is_on_main(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    _commit_then(monkeypatch, platform, commit=committed, error=Stopped())
    with pytest.raises(Stopped):
        publish(platform.control, platform.lake, claim, new)
    settled = resolve_undecided(platform.control, platform.lake, claim)
    assert (settled is not None) == committed
    assert _official(platform)[0] == int(committed)
    assert resolve_undecided(platform.control, platform.lake, claim) is None


def test_a_publisher_without_its_claim_publishes_nothing(platform: Platform) -> None:
    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    with platform.control.transaction() as connection:
        connection.execute("update dataset_claim set token = gen_random_uuid()")
    with pytest.raises(CasegoldError):
        publish(platform.control, platform.lake, claim, new)
    assert _official(platform) == (0, set())
