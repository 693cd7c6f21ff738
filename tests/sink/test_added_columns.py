"""A contract with one column more than its table: the table gets it, and rows from before read as null there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from casegold.control.ingest.watermarks import nothing
from casegold.domain.columns import Column
from casegold.domain.contract import Contracts
from casegold.domain.errors import ConfigurationError
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import Lake
from tests.crash.restarts import forked
from tests.quality.rows import SNAPSHOT, row
from tests.sampling.choose import ENDS

GOLD = SNAPSHOT.dataset
COLUMNS = SNAPSHOT.columns
NEW = COLUMNS[-1]
COLUMN_EFFECTS = ("column-add",)


def lake_of(settings: Settings, columns: Sequence[Column] = COLUMNS) -> Lake:
    """The lake of a release whose contract of the snapshot has these columns."""
    contracts = Contracts(
        replace(each, columns=tuple(columns)) if each.dataset == GOLD else each
        for each in open_platform(settings).contracts
    )
    return Lake(settings.catalog_url(), settings.warehouse_url(), contracts, nothing)


def rows(case_id: str, columns: Sequence[Column] = COLUMNS) -> pa.Table:
    schema = pa.schema([field for field in SNAPSHOT.arrow_schema() if field.name in {each.name for each in columns}])
    return pa.Table.from_pylist([row(case_id=case_id)], schema)


def names(lake: Lake) -> list[str]:
    return [field.name for field in lake.table(GOLD).schema().fields]


def read(lake: Lake, **how: Any) -> pa.Table:
    with duckdb.connect() as connection:
        lake.register(connection, "shown", GOLD, **how)
        return connection.table("shown").order("case_id").to_arrow_table()


def test_rows_from_before_are_null_in_the_new_column_and_their_files_stay(settings: Settings) -> None:
    before = lake_of(settings, COLUMNS[:-1])
    before.append(GOLD, rows("C-1", COLUMNS[:-1]), seq=1)
    (old,) = before.data_files(GOLD)

    now = lake_of(settings)
    assert read(now).select([NEW.name]).to_pylist() == [{NEW.name: None}]
    now.append(GOLD, rows("C-2"), seq=2)

    assert names(now) == [each.name for each in COLUMNS]
    assert read(now).column("case_id").to_pylist() == ["C-1", "C-2"]
    assert read(now).column_names == [each.name for each in COLUMNS]
    assert old.file_path in {file.file_path for file in now.data_files(GOLD)}
    docs = {field.name: field.doc for field in now.table(GOLD).schema().fields}
    assert docs[NEW.name] == NEW.description


@pytest.mark.parametrize("first", [0, 1])
def test_files_of_both_kinds_are_read_in_any_order(settings: Settings, first: int) -> None:
    before, now = lake_of(settings, COLUMNS[:-1]), lake_of(settings)
    before.append(GOLD, rows("C-1", COLUMNS[:-1]), seq=1)
    now.append(GOLD, rows("C-2"), seq=2)
    paths = [file.file_path for file in now.data_files(GOLD)]
    with duckdb.connect() as connection:
        now.register_files(connection, "shown", GOLD, [paths[first], paths[1 - first]])
        found = connection.table("shown").aggregate(f"count(*), count({NEW.name})").fetchone()
    assert found == (2, 0)


def test_who_judges_files_sees_only_the_columns_that_they_have(settings: Settings) -> None:
    before, now = lake_of(settings, COLUMNS[:-1]), lake_of(settings)
    before.append(GOLD, rows("C-1", COLUMNS[:-1]), seq=1)
    paths = [file.file_path for file in now.data_files(GOLD)]
    with duckdb.connect() as connection:
        now.register_files(connection, "shown", GOLD, paths, are_alike=True, complete=False)
        assert NEW.name not in connection.table("shown").columns


REORDERED = (*COLUMNS[:-2], COLUMNS[-1], COLUMNS[-2])


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (COLUMNS[:-2], f"has the column '{COLUMNS[-2].name}', which its contract does not have"),
        (REORDERED, "in another order"),
        ((*COLUMNS[:-1], replace(NEW, required=True)), f"adds the required column '{NEW.name}'"),
    ],
    ids=["removed", "not the last", "required"],
)
def test_what_would_change_rows_that_are_there_is_refused(
    settings: Settings, columns: Sequence[Column], told: str
) -> None:
    lake_of(settings, COLUMNS[:-1]).table(GOLD)
    with pytest.raises(ConfigurationError, match=told) as refused:
        lake_of(settings, columns).table(GOLD)
    assert refused.value.remedy
    assert names(lake_of(settings, COLUMNS[:-1])) == [each.name for each in COLUMNS[:-1]]


def test_two_processes_that_add_it_at_once_both_go_on(settings: Settings) -> None:
    lake_of(settings, COLUMNS[:-1]).table(GOLD)
    lakes = [lake_of(settings) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(names, lakes)) == [[each.name for each in COLUMNS]] * 2


@pytest.mark.sampled("column-add")
@pytest.mark.parametrize("end", ENDS)
def test_a_process_that_dies_while_it_adds_a_column_is_followed_by_one_that_does(settings: Settings, end: str) -> None:
    lake_of(settings, COLUMNS[:-1]).table(GOLD)
    assert forked(_open, (), f"column-add.{end}").fired
    assert forked(_open, (), "").finished
    assert names(lake_of(settings)) == [each.name for each in COLUMNS]


def _open() -> bool:
    open_platform().lake.table(GOLD)
    return True
