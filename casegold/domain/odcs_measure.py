"""Parses checks that a contract file defines in full: `type: sql` with a query, `type: library` with a metric.

Not here: checks by name (`type: custom`), which the platform or the product implements.
"""

from __future__ import annotations

from decimal import Decimal

from casegold.domain.measure import OPERATORS, Measure, Metric
from casegold.domain.strict_yaml import Node

TABLE = "${table}"
COLUMN = "${column}"
_NEEDS_COLUMN = frozenset({Metric.NULL_VALUES, Metric.DUPLICATE_VALUES})


def measure_of(node: Node, column: str | None) -> Measure | None:
    """What a check measures; None for a check by name.

    Args:
        column: name of the column that declares the check; None for a check of the table.

    Raises:
        ConfigurationError: neither query nor metric, no comparison or several, or a limit that is not a number.
    """
    kind = node.get_or("type", "library").text()
    if kind == "custom" and column is None:
        return None
    if kind not in ("sql", "library"):
        raise node.refuse(f"a check of type {kind!r} is not supported here", "write `type: sql` or `type: library`")
    operator, limits = _comparison(node)
    if kind == "sql":
        return Measure(operator, limits, query=_query(node, column))
    metric = node.get("metric").choice(Metric)
    if (column is not None) != (metric in _NEEDS_COLUMN):
        raise node.refuse(
            f"the metric {metric} is in the wrong place",
            "put rowCount into `quality` of the table, nullValues and duplicateValues into `quality` of their column",
        )
    return Measure(operator, limits, metric=metric, column=column)


def _comparison(node: Node) -> tuple[str, tuple[Decimal, ...]]:
    given = [name for name in OPERATORS if name in node.mapping()]
    if len(given) != 1:
        raise node.refuse("does not state one comparison", f"give exactly one of {', '.join(OPERATORS)}")
    written = node.get_or(given[0], 0)
    if given[0].endswith("Between"):
        limits = tuple(item.decimal() for item in written.items())
        if len(limits) != 2 or limits[0] >= limits[1]:
            raise written.refuse("is not a range", "give two numbers, the smaller one first, such as [0, 10]")
        return given[0], limits
    return given[0], (written.decimal(),)


def _query(node: Node, column: str | None) -> str:
    query = node.get("query")
    text = query.text()
    if TABLE not in text:
        raise query.refuse(f"does not read {TABLE}", f"write `from {TABLE}`: it stands for the rows of the partition")
    if COLUMN in text and column is None:
        raise query.refuse(f"uses {COLUMN} in a check of the table", "name the column itself")
    return text if column is None else text.replace(COLUMN, f'"{column}"')
