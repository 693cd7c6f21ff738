"""The SQL is one text for DuckDB and Spark: it transpiles, and uses nothing that would mean something else there."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import sqlglot
from sqlglot import exp

STATES = ("folded_states", "carried_states")
ENGINE_ONLY = {"duckdb_functions", "forget_steps"}
"""What Spark does not need: it has the functions, and its steps are views."""

SQL = {
    file.name.removesuffix(".sql"): file.read_text("utf-8")
    for file in files("products.case_daily_snapshot").iterdir()
    if file.name.endswith(".sql") and file.name.removesuffix(".sql") not in ENGINE_ONLY
}
SAME_IN_BOTH = {
    "CASE", "IF", "CAST", "COALESCE", "COUNT", "GREATEST", "LEAD", "MAX", "MIN", "ROW_NUMBER", "SUM", "AND", "OR",
    "UNIX_MICROS", "TIMESTAMP_MICROS",
}  # fmt: skip
"""Functions compared on both engines. Any other needs a look at what Spark makes of it before it is added."""

SILENTLY_DIFFERENT = re.compile(
    r"at\s+time\s+zone|\basof\b|\brecursive\b|\bqualify\b|\bpivot\b|\bfilter\s*\(|\*\s*(replace|exclude)|\border\s+by\s+all\b"
    r"|\bextract\s*\(|\binterval\b|[^/]/[^/]",
    re.IGNORECASE,
)


def code_of(name: str) -> str:
    return re.sub(r"--.*", "", SQL[name])


@pytest.mark.parametrize("name", SQL)
def test_transpiles_to_spark(name: str) -> None:
    spark = sqlglot.transpile(SQL[name], read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    assert len(spark) == 1
    assert sqlglot.parse_one(spark[0], read="spark")


@pytest.mark.parametrize("name", SQL)
def test_uses_only_functions_that_are_the_same_in_both_engines(name: str) -> None:
    tree = sqlglot.parse_one(SQL[name], read="duckdb")
    used = {
        node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name().upper()
        for node in tree.find_all(exp.Func)
    }
    assert used <= SAME_IN_BOTH


@pytest.mark.parametrize("name", SQL)
def test_has_none_of_the_constructs_that_change_their_meaning(name: str) -> None:
    assert not SILENTLY_DIFFERENT.search(code_of(name))


def test_both_kinds_of_states_have_the_same_columns_in_the_same_order() -> None:
    folded, carried = (sqlglot.parse_one(SQL[name], read="duckdb").find(exp.Select) for name in STATES)
    assert folded is not None
    assert carried is not None
    assert folded.named_selects == carried.named_selects
