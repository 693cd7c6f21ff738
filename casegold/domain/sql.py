"""SQL lives in `.sql` files beside the code that runs it; this loads them. No other module reads SQL text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString


@cache
def load(package: str, name: str) -> LiteralString:
    """The text of `<name>.sql` in `package` (dotted name). The files ship with the code, hence a literal.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
