"""What SQL cannot reach in a sandbox, even if it got past the reading of its text."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from casegold.transform.sandbox import CALLED, Limits, sandbox

SECRET = pa.table({"secret": ["of the calling Python"]})
ROWS = pa.table({"a": [1, 2]})
INPUTS = {"given_rows": lambda: ROWS}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy given_rows to '{leak}'",
        "attach '{leak}'",
        "export database '{leak}'",
        "install httpfs",
        "load httpfs",
        "select * from read_parquet('http://127.0.0.1:1/x')",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set temp_directory = '{leak}'",
        "select * from SECRET",
    ],
)
def test_the_database_itself_reaches_nothing(sql: str, tmp_path: Path) -> None:
    leak = tmp_path / "leak"
    with sandbox(INPUTS, Limits("500MB", 1, tmp_path / "spill")) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.replace("{leak}", str(leak)))
    assert not leak.exists()


def test_inputs_are_there_and_nothing_is_left(tmp_path: Path) -> None:
    with sandbox(INPUTS, Limits("500MB", 1, tmp_path)) as connection:
        assert connection.execute("select sum(a) from given_rows").fetchall() == [(3,)]
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_input_of_one_connection_has_its_rows(tmp_path: Path) -> None:
    with duckdb.connect() as lake:
        inputs = {name: lake.from_arrow(ROWS).to_arrow_reader for name in ("first", "second", "third")}
        with sandbox(inputs, Limits("500MB", 1, tmp_path)) as connection:
            for name in inputs:
                assert connection.table(name).fetchall() == [(1,), (2,)], name


def test_functions_that_may_be_called_exist() -> None:
    with duckdb.connect() as connection:
        known = connection.execute("select distinct function_name from duckdb_functions()").fetchall()
    assert {name for (name,) in known} >= CALLED
