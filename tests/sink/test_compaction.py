"""Small files become few, with the same rows, whatever else is committed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from casegold.domain import failpoints
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink import compaction
from casegold.sink.compaction import COMPACTION, PURPOSE, Compacted, compact, plan
from casegold.sink.lake import Lake
from tests.sink.bronze import DAY, NOW, records

BRONZE = "bronze/case_events"
SILVER = "silver/case_events"
TOTALS = "bronze/control_totals"


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


@pytest.fixture
def lake(platform: Platform) -> Lake:
    return platform.lake


@pytest.fixture
def duck(platform: Platform) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(platform) as connection:
        yield connection


@pytest.fixture
def unarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def _append(lake: Lake, seq: int, rows: pa.Table | None = None) -> int | None:
    return lake.append(BRONZE, records(seq) if rows is None else rows, seq=seq, properties={"casegold.mark": str(seq)})


def _filled(lake: Lake, appends: int = 10) -> None:
    for seq in range(1, appends + 1):
        _append(lake, seq)


def _rows(lake: Lake, dataset: str = BRONZE) -> list[dict[str, Any]]:
    """All rows, in an order that their content alone decides."""
    table: pa.Table = lake.table(dataset).scan().to_arrow()
    return sorted(table.to_pylist(), key=repr)


def _files(lake: Lake, dataset: str = BRONZE) -> set[str]:
    return {file.file_path for file in lake.data_files(dataset)}


def test_many_small_files_become_one_sorted_one_of_the_same_rows(lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    _filled(lake)
    rows, properties = _rows(lake), dict(lake.properties(BRONZE))
    done = compact(lake, duck, BRONZE)
    assert (done.partitions, done.files_before, done.files_after, done.rows, done.partitions_left) == (1, 10, 1, 30, 0)
    assert _rows(lake) == rows
    assert dict(lake.properties(BRONZE)) == properties
    (file,) = _files(lake)
    kept = [(row["kafka_partition"], row["kafka_offset"]) for row in lake.table(BRONZE).scan().to_arrow().to_pylist()]
    assert kept == sorted(kept)
    summary = lake.table(BRONZE).current_snapshot()
    assert summary is not None
    assert summary.summary is not None
    assert summary.summary.additional_properties[PURPOSE] == COMPACTION
    assert compact(lake, duck, BRONZE) == Compacted(), "once is enough"
    assert _files(lake) == {file}


def test_appends_stay_exactly_once_and_their_numbers_findable(lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    _filled(lake)
    compact(lake, duck, BRONZE)
    assert _append(lake, 10) is None, "the number was reached before"
    assert _append(lake, 11) is not None
    assert len(lake.data_files(BRONZE, row_filter="ingest_seq = 11")) == 1, "the compacted file is pruned"
    lake.register(duck, "fourth", BRONZE, row_filter="ingest_seq = 4")
    assert duck.table("fourth").filter("ingest_seq = 4").aggregate("count(*)").fetchall() == [(3,)]


def test_an_append_between_plan_and_commit_is_kept_once(
    lake: Lake, duck: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _filled(lake)
    swap = compaction._swap

    def late(*args: Any) -> None:
        monkeypatch.setattr(compaction, "_swap", swap)
        _append(lake, 11)
        swap(*args)

    planned = plan(lake, BRONZE)
    monkeypatch.setattr(compaction, "_swap", late)
    assert compact(lake, duck, BRONZE, planned).files_before == 10
    assert len(_files(lake)) == 2
    assert sorted(row["ingest_seq"] for row in _rows(lake)) == sorted(list(range(1, 12)) * 3)
    assert lake.last_seq(BRONZE) == 11


def test_of_two_compactions_of_one_plan_one_lands(lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    _filled(lake)
    rows, planned = _rows(lake), plan(lake, BRONZE)
    compact(lake, duck, BRONZE, planned)
    second = compact(lake, duck, BRONZE, planned)
    assert (second.partitions, second.partitions_left) == (0, 1)
    assert _rows(lake) == rows


@pytest.mark.usefixtures("unarmed")
@pytest.mark.parametrize("end", ["after:lost_ack", "before:raise", "after:raise"])
def test_a_commit_of_unknown_fate_doubles_nothing(lake: Lake, duck: duckdb.DuckDBPyConnection, end: str) -> None:
    _filled(lake)
    rows = _rows(lake)
    failpoints.arm(f"compaction-commit.{end}")
    if end == "after:lost_ack":
        assert compact(lake, duck, BRONZE).files_before == 10
    else:
        with pytest.raises(failpoints.FailPointReached):
            compact(lake, duck, BRONZE)
        failpoints.arm("")
        compact(lake, duck, BRONZE)
    assert _rows(lake) == rows
    assert len(_files(lake)) == 1


def test_a_call_reads_no_more_than_its_share(lake: Lake, duck: duckdb.DuckDBPyConnection) -> None:
    for seq in range(1, 19):
        _append(lake, seq, records(seq, day=DAY + timedelta(days=seq % 2)))
    rows = _rows(lake)
    size = lake.data_files(BRONZE)[0].file_size_in_bytes
    first = plan(lake, BRONZE, max_bytes=10 * size)
    assert (len(first.groups), first.partitions_left) == (1, 1)
    cut = plan(lake, BRONZE, max_bytes=4 * size)
    assert (len(cut.groups), cut.partitions_left) == (1, 2)
    assert 2 <= len(cut.groups[0].files) <= 4
    for planned in (cut, first, None):
        compact(lake, duck, BRONZE, plan(lake, BRONZE) if planned is None else planned)
        assert _rows(lake) == rows


def test_large_files_are_cut_at_the_target(
    lake: Lake, duck: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _filled(lake)
    size = lake.data_files(BRONZE)[0].file_size_in_bytes
    monkeypatch.setattr(compaction, "TARGET_BYTES", 3 * size)
    rows = _rows(lake)
    assert compact(lake, duck, BRONZE).files_after == 3
    assert _rows(lake) == rows


def test_gold_is_never_compacted(lake: Lake) -> None:
    assert plan(lake, "gold/case_daily_snapshot", min_files=0).groups == ()


def _value(field: pa.Field, seed: int) -> Any:
    kind = field.type
    if pa.types.is_date(kind):
        return date(2026, 1 + seed % 3, 1 + seed % 28)
    if pa.types.is_timestamp(kind):
        return NOW + timedelta(microseconds=seed)
    if pa.types.is_boolean(kind):
        return seed % 2 == 0
    if pa.types.is_string(kind):
        return None if field.nullable and seed % 3 == 0 else f"{field.name}-{seed}"
    if pa.types.is_decimal(kind):
        return None
    return seed


@hypothesis_settings(max_examples=5)
@given(seeds=st.lists(st.lists(st.integers(0, 1000), max_size=4), min_size=1, max_size=6))
@pytest.mark.parametrize("dataset", [SILVER, TOTALS])
def test_any_rows_of_every_layout_come_through(platform: Platform, dataset: str, seeds: list[list[int]]) -> None:
    lake = platform.lake
    schema = platform.contracts[dataset].arrow_schema()
    for batch in seeds:
        rows = [{field.name: _value(field, seed) for field in schema} for seed in batch]
        lake.append(dataset, pa.Table.from_pylist(rows, schema), seq=lake.last_seq(dataset) + 1)
    rows, files = _rows(lake, dataset), lake.data_files(dataset)
    with engine(platform) as duck:
        done = compact(lake, duck, dataset, plan(lake, dataset, min_files=2))
    assert _rows(lake, dataset) == rows
    assert done.files_after == done.partitions
    after = lake.data_files(dataset)
    assert {file.partition for file in after} == {file.partition for file in files}
    assert len(after) == len({file.partition for file in files})
