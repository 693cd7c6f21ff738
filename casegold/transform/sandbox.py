"""SQL of a product, run where it reaches nothing but its inputs: no file, no network, no extension, no setting.

Only `CREATE` and `SELECT` are run. The inputs are copied into tables first: DuckDB would let SQL write to every path
that it may read. Not here: what the SQL means.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa

from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import load

Given: TypeAlias = Callable[[], pa.Table | pa.RecordBatchReader]
"""Gives the rows of an input once they are copied: a DuckDB connection has one reader, and the next one empties it."""
RUN = frozenset({duckdb.StatementType.CREATE, duckdb.StatementType.SELECT})
CALLED = frozenset(
    {"generate_series", "histogram", "histogram_values", "json_each", "json_tree", "range", "repeat", "unnest"}
)
"""Table functions that only make rows. DuckDB's others read files, run SQL from a text, take addresses of memory, or
act: `enable_logging` of a path that it may not write ends the process."""
_ACTING = ("sleep_ms", "write_log")
_PASSED_ON = (duckdb.OutOfMemoryException, duckdb.IOException)
"""Of the machine, not of the SQL: whoever gave the memory tells of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the SQL may use. It spills to a directory of its own below `spill`, which is removed."""

    memory: str
    threads: int
    spill: Path


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file, and the line before its first."""

    file: str
    line: int
    parsed: duckdb.Statement


@contextmanager
def sandbox(inputs: Mapping[str, Given], limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked DuckDB with a table for each input."""
    limits.spill.mkdir(parents=True, exist_ok=True)
    spill = tempfile.mkdtemp(prefix="sandbox-", dir=limits.spill)
    connection = duckdb.connect(
        config={"memory_limit": limits.memory, "threads": limits.threads, "temp_directory": spill}
    )
    try:
        connection.execute("set TimeZone = 'UTC'")
        # DuckDB 1.5 pushes a join's Bloom filter into scans of Arrow tables and then fails: "not currently supported".
        connection.execute("set disabled_optimizers = 'join_filter_pushdown'")
        # Without it, `from settings` would read a variable of the Python that calls.
        connection.execute("set python_enable_replacements = false")
        for name, rows in inputs.items():
            connection.register("given", rows())
            connection.query("from given").create(name)
            connection.unregister("given")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill)


def statements(file: str, text: str) -> list[Statement]:
    """The statements of a SQL file.

    Raises:
        ConfigurationError: it is no SQL, is empty, or does more than create and select; with file, line and remedy.
    """
    try:
        parsed = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise _wrong(file, 0, error) from error
    if not parsed:
        raise ConfigurationError(f"{file}: has no statement", remedy="write a SELECT")
    found, position = [], 0
    for each in parsed:
        start = text.find(each.query, position)
        line = text.count("\n", 0, max(start, position))
        position = max(start, position) + (len(each.query) if start >= 0 else 0)
        if each.type not in RUN or start < 0:
            first = line + 1 + len(each.query) - len(each.query.lstrip())
            raise ConfigurationError(
                f"{file}, line {first}: {each.type.name} is not run in a product",
                remedy="use CREATE TEMP TABLE ... AS and SELECT only: the platform reads and writes the data",
            )
        found.append(Statement(file, line, each))
    _refuse_calls(file, text)
    return found


def _refuse_calls(file: str, text: str) -> None:
    called = _not_called().search(text)
    if called is not None:
        line = text.count("\n", 0, called.start()) + 1
        raise ConfigurationError(
            f"{file}, line {line}: the function {called[1]} is not called in a product",
            remedy=f"a product reads its inputs only; functions that make rows: {', '.join(sorted(CALLED))}",
        )


@cache
def _not_called() -> re.Pattern[str]:
    """A call of any other table function that DuckDB has, whatever stands between its name and the bracket."""
    with duckdb.connect() as connection:
        known = connection.execute(load("casegold.transform", "table_functions")).fetchall()
    names = sorted({name for (name,) in known} - CALLED | set(_ACTING))
    between = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    return re.compile(rf'\b({"|".join(map(re.escape, names))})\b"?{between}\(', re.IGNORECASE | re.DOTALL)


def execute(connection: duckdb.DuckDBPyConnection, statement: Statement) -> duckdb.DuckDBPyConnection:
    """Run a statement. Raises ConfigurationError with file, line and remedy of what it does wrong."""
    try:
        return connection.execute(statement.parsed)
    except _PASSED_ON:
        raise
    except duckdb.Error as error:
        raise _wrong(statement.file, statement.line, error) from error


def _wrong(file: str, before: int, error: duckdb.Error) -> ConfigurationError:
    """DuckDB's message as one line: the first says what is wrong, one beginning with LINE where."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    place = next((line for line in lines if line.startswith("LINE ")), "")
    number = before + int(place.split()[1].rstrip(":")) if place else before + 1
    hint = next((line for line in lines[1:] if "indings:" in line or line.startswith("Did you mean")), "")
    what = f"{lines[0]} {hint}".strip()
    remedy = (
        "a product reads its inputs only; name those that `casegold product check` lists"
        if isinstance(error, duckdb.PermissionException) or "disabled" in lines[0]
        else "correct the SQL; `casegold product check` lists the inputs with their columns"
    )
    return ConfigurationError(f"{file}, line {number}: {what}", remedy=remedy)
