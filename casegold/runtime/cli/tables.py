"""How lists are printed: one table style for the whole command line. Not here: what is in them."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 200
"""Columns of a table that nobody looks at in a terminal: wide enough for grep to find whole lines."""


def console() -> Console:
    """Standard output, as wide as the terminal; wide where it is piped."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(width=width, soft_wrap=False)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows as a table, or `empty` when there are none. Column names that end in `#` are right-aligned."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column.rstrip("#"), justify="right" if column.endswith("#") else "left", overflow="fold")
    count = 0
    for row in rows:
        table.add_row(*(Text(plain(cell(value))) for value in row))
        count += 1
    out = console()
    if count:
        out.print(table)
    else:
        out.print(empty, highlight=False)


def plain(text: str) -> str:
    """Text from outside as characters that can be seen: what would move the cursor or turn the reading direction is
    spelt out, so that nobody reads another text than is there. Line ends stay."""
    return "".join(
        char if char == "\n" or not unicodedata.category(char).startswith("C") else f"\\u{ord(char):04x}"
        for char in text
    )


def cell(value: Any) -> str:
    """A value as people read it: instants in UTC to the second, numbers with separators, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)


def span(first: date | None, last: date | None) -> str:
    """`2026-01-01 .. 2026-01-31`, or one date where both are the same."""
    if first is None:
        return ""
    return f"{first}" if first == last else f"{first} .. {last}"
