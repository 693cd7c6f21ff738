"""Appends under a serial number, and the fence that abandoning a version puts up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitFailedException
from sqlalchemy.exc import OperationalError

from casegold.control.versions.model import Prepared
from casegold.domain.errors import InvariantBroken
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import Lake, move_head
from casegold.sink.publish import displace_head
from casegold.sink.staging import create_branch
from casegold.sink.tables import BRONZE_SCHEMA

BRONZE = "bronze/case_events"
GOLD = "gold/case_daily_snapshot"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return open_platform(settings).lake


def _records(count: int, seq: int) -> pa.Table:
    row: dict[str, Any] = {
        "cluster_id": "c",
        "topic": "t",
        "topic_id": "i",
        "kafka_partition": 0,
        "kafka_timestamp": NOW,
        "value": b"{}",
        "ingest_seq": seq,
        "ingested_at": NOW,
        "ingest_date": NOW.date(),
    }
    return pa.Table.from_pylist([{**row, "kafka_offset": offset} for offset in range(count)], BRONZE_SCHEMA)


def _rows(lake: Lake) -> int:
    return sum(file.record_count for file in lake.data_files(BRONZE))


def _once_after(lake: Lake, monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], None], lose: bool) -> None:
    """Before the lake's next commit do something; then let its acknowledgement get lost, or not."""
    commit = lake.catalog.commit_table

    def interrupted(*args: Any) -> Any:
        monkeypatch.setattr(lake.catalog, "commit_table", commit)
        before()
        answer = commit(*args)
        if lose:
            raise OperationalError("commit", {}, ConnectionError("server closed the connection"))
        return answer

    monkeypatch.setattr(lake.catalog, "commit_table", interrupted)


def _stage_nothing(lake: Lake, head: int) -> None:
    """Another run's stage: a snapshot on a branch, which takes the table's next sequence number."""
    create_branch(lake, GOLD, "audit-1-1", head)
    with lake.table(GOLD).transaction() as transaction:
        transaction.update_snapshot(branch="audit-1-1").fast_append().commit()


def test_a_number_is_appended_once(lake: Lake) -> None:
    assert lake.append(BRONZE, _records(3, 1), seq=1, properties={"casegold.mark": "a"}) is not None
    assert lake.append(BRONZE, _records(3, 1), seq=1, properties={"casegold.mark": "b"}) is None
    assert lake.append(BRONZE, _records(0, 2), seq=2) is not None
    assert (_rows(lake), lake.last_seq(BRONZE), lake.properties(BRONZE)["casegold.mark"]) == (3, 2, "a")


def test_a_lost_acknowledgement_doubles_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.table(BRONZE)
    _once_after(lake, monkeypatch, before=lambda: None, lose=True)
    lake.append(BRONZE, _records(3, 1), seq=1)
    assert (_rows(lake), lake.last_seq(BRONZE)) == (3, 1)


def test_of_two_appends_of_one_number_one_lands(settings: Settings) -> None:
    lakes = [open_platform(settings).lake for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda lake: lake.append(BRONZE, _records(3, 1), seq=1), lakes))
    assert _rows(lakes[0]) == 3
    assert made.count(None) == 1


def test_an_unknown_snapshot_is_not_an_empty_one(lake: Lake) -> None:
    with pytest.raises(InvariantBroken, match="is gone"):
        lake.data_files(BRONZE, snapshot_id=1)


def test_a_paused_publisher_is_refused_though_a_branch_moved_meanwhile(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = open_platform(settings).lake.table(GOLD)
    head = paused.metadata.current_snapshot_id
    assert head is not None
    prepared = Prepared(GOLD, 1, "0" * 64, 1, uuid4(), "audit-0-1", head, head, "ABANDONING")
    other = open_platform(settings).lake
    _once_after(lake, monkeypatch, before=lambda: _stage_nothing(other, head), lose=False)

    assert displace_head(lake, prepared).metadata.current_snapshot_id != head

    with pytest.raises(CommitFailedException), paused.transaction() as transaction:
        transaction.update_snapshot({"casegold.run-id": prepared.run_id}).fast_append().commit()


def test_the_empty_commit_alone_is_no_fence(settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `displace_head` loops for: a moved branch makes PyIceberg refuse the empty commit."""
    table = lake.table(GOLD)
    head = table.metadata.current_snapshot_id
    assert head is not None
    other = open_platform(settings).lake
    _once_after(lake, monkeypatch, before=lambda: _stage_nothing(other, head), lose=False)
    move_head(table, {"casegold.abandons": "x"})
    assert lake.table(GOLD).metadata.current_snapshot_id == head


@pytest.mark.parametrize(
    ("dataset", "sorted_by"),
    [
        (BRONZE, ["kafka_partition", "kafka_offset"]),
        ("silver/case_events", ["effective_date", "case_id"]),
        (GOLD, ["case_id"]),
    ],
)
def test_a_table_says_how_its_rows_are_sorted(lake: Lake, dataset: str, sorted_by: list[str]) -> None:
    table = lake.table(dataset)
    assert [table.schema().find_column_name(field.source_id) for field in table.sort_order().fields] == sorted_by


def test_every_contract_becomes_a_table_with_documented_columns(settings: Settings, lake: Lake) -> None:
    for contract in open_platform(settings).contracts:
        docs = {field.name: field.doc for field in lake.table(contract.dataset).schema().fields}
        assert docs == {column.name: column.description for column in contract.columns}


def test_files_take_the_place_of_an_empty_view(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as n) to '{file}' (format parquet)")
        for paths, rows in (([], 0), ([str(file)], 1), ([], 0), ([str(file)], 1)):
            lake.register_files(connection, "shown", "gold/case_daily_snapshot", paths)
            assert len(connection.execute("from shown").fetchall()) == rows
