"""The SQL of report, metrics and gate is one text for DuckDB and Spark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import sqlglot
from sqlglot import exp

TEXTS = {
    f"{package}/{file.name}": file.read_text("utf-8")
    for package in ("products.enforcement_report", "products.breach_metrics", "casegold.quality")
    for file in files(package).iterdir()
    if file.name.endswith(".sql")
}
APPROXIMATE_OR_UNORDERED = (exp.Median, exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ArrayAgg)


@pytest.mark.parametrize("name", TEXTS)
def test_transpiles_to_spark_and_parses_there(name: str) -> None:
    (spark,) = sqlglot.transpile(TEXTS[name], read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    assert sqlglot.parse_one(spark, read="spark")


@pytest.mark.parametrize("name", TEXTS)
def test_uses_nothing_that_means_something_else_on_spark(name: str) -> None:
    tree = sqlglot.parse_one(TEXTS[name], read="duckdb")
    assert not list(tree.find_all(*APPROXIMATE_OR_UNORDERED))
    code = re.sub(r"--.*", "", TEXTS[name])
    assert not re.search(r"at\s+time\s+zone|date_diff|\binterval\b|\bextract\s*\(|[^/]/[^/]", code, re.IGNORECASE)


def test_there_is_sql_to_look_at() -> None:
    assert len(TEXTS) == 13
