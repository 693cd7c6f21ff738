"""Runs a product's SQL in a sandbox: it can read its inputs, but no file, network, extension or setting.

Only `CREATE` and `SELECT` run. The inputs are copied into tables first, because DuckDB lets SQL write to every path
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
"""Called when the rows of an input are copied: a DuckDB connection has one reader, and opening a second empties it."""
RUN = frozenset({duckdb.StatementType.CREATE, duckdb.StatementType.SELECT})
CALLED = frozenset(
    {"generate_series", "histogram", "histogram_values", "json_each", "json_tree", "range", "repeat", "unnest"}
)
"""Allowed table functions: they only produce rows. The others read files, run SQL from text, take memory addresses, or
have side effects: `enable_logging` with a path that it may not write to ends the process."""
_ACTING = ("sleep_ms", "write_log")
_PASSED_ON = (duckdb.OutOfMemoryException, duckdb.IOException)
"""Errors of the machine, not of the SQL: the caller, which set the limits, reports them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Resources that the SQL may use. It spills to its own temporary directory below `spill`."""

    memory: str
    threads: int
    spill: Path


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file; `line` counts the lines before it."""

    file: str
    line: int
    parsed: duckdb.Statement


@contextmanager
def sandbox(inputs: Mapping[str, Given], limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked DuckDB connection with a table for each input."""
    limits.spill.mkdir(parents=True, exist_ok=True)
    spill = tempfile.mkdtemp(prefix="sandbox-", dir=limits.spill)
    connection = duckdb.connect(
        config={"memory_limit": limits.memory, "threads": limits.threads, "temp_directory": spill}
    )
    try:
        connection.execute("set TimeZone = 'UTC'")
        # DuckDB 1.5 pushes a join's Bloom filter into scans of Arrow tables and then fails: "not currently supported".
        connection.execute("set disabled_optimizers = 'join_filter_pushdown'")
        # Otherwise `from settings` would read a variable of the calling Python code.
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
        ConfigurationError: it is not SQL, is empty, or has other statements than CREATE and SELECT.
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
    """Matches a call of any forbidden function, with any space or comment between its name and the bracket."""
    with duckdb.connect() as connection:
        known = connection.execute(load("casegold.transform", "table_functions")).fetchall()
    names = sorted({name for (name,) in known} - CALLED | set(_ACTING))
    between = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    return re.compile(rf'\b({"|".join(map(re.escape, names))})\b"?{between}\(', re.IGNORECASE | re.DOTALL)


def execute(connection: duckdb.DuckDBPyConnection, statement: Statement) -> duckdb.DuckDBPyConnection:
    """Run a statement. Raises ConfigurationError with file, line and remedy if the SQL is wrong."""
    try:
        return connection.execute(statement.parsed)
    except _PASSED_ON:
        raise
    except duckdb.Error as error:
        raise _wrong(statement.file, statement.line, error) from error


def _wrong(file: str, before: int, error: duckdb.Error) -> ConfigurationError:
    """DuckDB's message as one line: its first line says what is wrong, the line that begins with LINE says where."""
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
