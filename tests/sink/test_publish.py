"""The commit protocol against a real catalog and control database, with a publisher that stops at each step."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError

from casegold.control.model import Claim, ManifestRequest, Mode, PartitionRange, Pipeline
from casegold.control.runs import attempts, manifests
from casegold.control.versions import official_state
from casegold.control.versions.model import NewVersion, Seen, VersionFile, VersionPartition
from casegold.domain.errors import CasegoldError, CommitUnknown, ExitClass, InvariantBroken, SourceUnavailable
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.digest import digest_of
from casegold.sink.publish import publish, resolve_undecided
from casegold.sink.staging import HASHES, Stage, StagedVersion, branch_name, case_ranges, create_branch

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
    with platform.control.write("by a test") as connection:
        manifest = manifests.request(connection, wanted)
        assert manifest is not None
        attempt = attempts.next_attempt(connection, manifest.run_id, "test")
        assert attempt is not None
    return attempts.start(platform.control, manifest.run_id, attempt.attempt, "test")


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


def _rows(platform: Platform, *cases: str) -> pa.Table:
    schema = platform.contracts[GOLD].arrow_schema()
    return pa.Table.from_pylist([{field.name: _value(field.type, case) for field in schema} for case in cases], schema)


def _staged(platform: Platform, claim: Claim, *cases: str) -> NewVersion:
    stage = Stage.open(platform.lake, GOLD, claim.run_id, claim.attempt)
    stage.write(DAY, _rows(platform, *cases), 0, HASHES)
    return _version(stage.finish())


def _staged_in_ranges(platform: Platform, claim: Claim, rows: pa.Table) -> NewVersion:
    with platform.control.write("by a test") as connection:
        current = official_state.current_files(connection, GOLD, [DAY])
    stage = Stage.open(platform.lake, GOLD, claim.run_id, claim.attempt, current)
    for hash_from, hash_to, part in case_ranges(rows, stage.ranges(DAY), rows_per_file=10):
        stage.write(DAY, part, hash_from, hash_to)
    return _version(stage.finish())


def _version(staged: StagedVersion) -> NewVersion:
    digest = staged.partitions[0].digest
    files = tuple(
        VersionFile(
            DAY, file.path, file.rows, file.bytes, file.digest.high, file.digest.low, file.hash_from, file.hash_to
        )
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
    with platform.control.write("by a test") as connection:
        state = official_state.partition_states(connection, GOLD, DAY, DAY).get(DAY)
        recorded = {file.path for file in official_state.current_files(connection, GOLD, [DAY])}
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
    with platform.control.write("by a test") as connection:
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
    with platform.control.write("by a test") as connection:
        connection.execute("update dataset_claim set token = gen_random_uuid()")
    with pytest.raises(CasegoldError):
        publish(platform.control, platform.lake, claim, new)
    assert _official(platform) == (0, set())


def test_one_changed_case_rewrites_one_file_of_four(platform: Platform) -> None:
    first = _claim(platform, 1)
    cases = [f"C-{number}" for number in range(80)]
    before = _rows(platform, *cases)
    publish(platform.control, platform.lake, first, _staged_in_ranges(platform, first, before))
    _, old = _official(platform)
    attempts.finish(platform.control, first, ExitClass.SUCCESS, "", {})

    second = _claim(platform, 2)
    column = before.schema.get_field_index("priority")
    changed = ["other" if case == "C-7" else priority for case, priority in zip(cases, cases, strict=True)]
    after = before.set_column(column, before.schema.field(column), pa.array(changed))
    new = _staged_in_ranges(platform, second, after)
    publish(platform.control, platform.lake, second, new)
    current, files = _official(platform)
    assert (current, len(old), len(files), len(old & files)) == (2, 4, 4, 3)
    digest = digest_of(after)
    assert (new.partitions[0].digest_high, new.partitions[0].digest_low) == (digest.high, digest.low)
    assert sum(file.rows for file in new.files) == 80


def test_the_cut_of_a_partition_stays_while_it_fits(platform: Platform) -> None:
    rows = _rows(platform, *(f"C-{number}" for number in range(90)))
    assert len(list(case_ranges(rows, rows_per_file=10))) == 8
    assert len(list(case_ranges(rows, [(0, HASHES // 4)], rows_per_file=10))) == 4
    assert len(list(case_ranges(rows, [(0, HASHES)], rows_per_file=10))) == 8


def test_a_stage_takes_a_lost_acknowledgement_for_what_it_was(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = _claim(platform, 1)
    platform.lake.table(GOLD)
    create_branch(
        platform.lake, GOLD, branch_name(claim.run_id, 1), platform.lake.table(GOLD).snapshots()[-1].snapshot_id
    )
    _commit_then(monkeypatch, platform, commit=True, error=OperationalError("commit", {}, ConnectionError("gone")))
    publish(platform.control, platform.lake, claim, _staged(platform, claim, "a"))
    assert len(_official(platform)[1]) == 1


def test_a_branch_with_the_files_of_another_stage_is_not_ours(platform: Platform) -> None:
    claim = _claim(platform, 1)
    _staged(platform, claim, "a")
    with pytest.raises(InvariantBroken, match="another stage"):
        _staged(platform, claim, "b")


def test_a_catalog_that_does_not_answer_is_unavailable(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise OperationalError("select", {}, ConnectionError("gone"))

    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    monkeypatch.setattr(platform.lake.catalog, "load_table", gone)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        publish(platform.control, platform.lake, claim, new)


def test_a_catalog_lost_after_the_commit_leaves_it_unknown(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = _claim(platform, 1)
    new = _staged(platform, claim, "a")
    commit, load = platform.lake.catalog.commit_table, platform.lake.catalog.load_table

    def gone(*_: Any) -> None:
        raise OperationalError("select", {}, ConnectionError("gone"))

    def commit_and_vanish(*args: Any) -> Any:
        commit(*args)
        monkeypatch.setattr(platform.lake.catalog, "load_table", gone)
        gone()

    monkeypatch.setattr(platform.lake.catalog, "commit_table", commit_and_vanish)
    with pytest.raises(CommitUnknown, match="is unknown"):
        publish(platform.control, platform.lake, claim, new)
    monkeypatch.setattr(platform.lake.catalog, "load_table", load)
    monkeypatch.setattr(platform.lake.catalog, "commit_table", commit)
    assert resolve_undecided(platform.control, platform.lake, claim) is not None
    assert _official(platform)[0] == 1
