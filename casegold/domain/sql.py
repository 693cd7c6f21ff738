"""SQL lives in `.sql` files beside the code that runs it; this loads them. No other module reads SQL text.

A room keeps its queries in one file, `queries.sql`, each under a line `-- name: the_name`. A rule of a product, a check
and a step of a transform is a file of its own: it is read, versioned and reviewed by itself.
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
    """The text of `<name>.sql` in `package` (dotted name). The files ship with the code, hence a literal.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def query(room: str, name: str) -> LiteralString:
    """The text of a named query of a room (dotted name).

    Raises:
        KeyError: the room's `queries.sql` has no query of this name.
        FileNotFoundError: the room has no queries.
    """
    return queries(room)[name]


@cache
def queries(room: str) -> Mapping[str, LiteralString]:
    """All named queries of a room, in the order of its file.

    Raises:
        ValueError: two queries have one name, or text stands before the first name.
    """
    return split_queries(files(room).joinpath(QUERIES).read_text(encoding="utf-8"))


def split_queries(text: str) -> dict[str, LiteralString]:
    """The queries of a file by their names.

    Raises:
        ValueError: two queries have one name, or text stands before the first name.
    """
    before, *parts = _NAME.split(text)
    names, texts = parts[::2], parts[1::2]
    if before.strip() or len(names) != len(set(names)):
        raise ValueError(f"every query of a {QUERIES} has a name of its own and stands after it")
    return {name: cast("LiteralString", sql.strip()) for name, sql in zip(names, texts, strict=True)}
