"""Loads SQL from the `.sql` files next to the code that runs it. No other module reads SQL text.

A package keeps its queries in one file, `queries.sql`, each below a line `-- name: the_name`. Each rule of a product,
check and step of a transform has a file of its own, because it is read, versioned and reviewed on its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

QUERIES = "queries.sql"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(package: str, name: str) -> LiteralString:
    """The text of `<name>.sql` in `package` (dotted name). A literal, because the files ship with the code.

    Raises:
        FileNotFoundError: the file does not exist.
    """
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def query(room: str, name: str) -> LiteralString:
    """The text of a named query of a package (dotted name).

    Raises:
        KeyError: `queries.sql` of the package has no query of this name.
        FileNotFoundError: the package has no `queries.sql`.
    """
    return queries(room)[name]


@cache
def queries(room: str) -> Mapping[str, LiteralString]:
    """All named queries of a package, in file order.

    Raises:
        ValueError: two queries have the same name, or there is text before the first name.
    """
    return split_queries(files(room).joinpath(QUERIES).read_text(encoding="utf-8"))


def split_queries(text: str) -> dict[str, LiteralString]:
    """The queries of a file by name.

    Raises:
        ValueError: two queries have the same name, or there is text before the first name.
    """
    before, *parts = _NAME.split(text)
    names, texts = parts[::2], parts[1::2]
    if before.strip() or len(names) != len(set(names)):
        raise ValueError(f"every query in {QUERIES} needs its own name, in a line before it")
    return {name: cast("LiteralString", sql.strip()) for name, sql in zip(names, texts, strict=True)}
