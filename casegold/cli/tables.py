"""Prints tables: columns side by side if they fit, else a block for each row. Not here: options (`output`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from casegold.cli.values import Below, cell, name_of, plain

if TYPE_CHECKING:
    from rich.console import Console

UNBOUNDED = 10_000
"""Width, in characters, of output that is no terminal: nothing is folded, so that grep finds whole lines."""

NARROW = 24
"""A column is folded at spaces only, and never to fewer characters than this."""

GAP = 2


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows as a table, or `empty` if there are none. A value of type `Below` becomes a table after it.

    A column whose name ends in `#` is right-aligned. If the columns do not fit the terminal, each row is a block.
    """
    found = [tuple(row) for row in rows]
    out = console()
    if not found:
        out.print(empty, highlight=False, markup=False)
        return
    beside = [number for number in range(len(columns)) if not any(isinstance(row[number], Below) for row in found)]
    texts = [[plain(cell(row[number])) for number in beside] for row in found]
    headers = [columns[number] for number in beside]
    if fits(headers, texts, out.width):
        _print_table(out, title, headers, texts)
    else:
        _print_blocks(out, title, headers, texts)
    for row in found:
        for below in (value for value in row if isinstance(value, Below) and value.rows):
            show(f"\n{below.title}", below.columns, below.rows, empty="")


def show_lines(title: str, facts: Iterable[tuple[str, Any]]) -> None:
    """Print the facts about one thing, one per line."""
    out = console()
    _print_title(out, title)
    _print_pairs(out, [(name, plain(cell(value))) for name, value in facts])


def console() -> Console:
    """Standard output, as wide as the terminal; `UNBOUNDED` if it is piped."""
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import: only a table needs it

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNBOUNDED
    return Console(width=width, soft_wrap=False)


def fits(headers: Sequence[str], texts: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the columns fit side by side without breaking a word or folding a column below `NARROW`."""
    least = [
        max(len(header.removesuffix("#")), *(_least(row[number]) for row in texts))
        for number, header in enumerate(headers)
    ]
    return sum(least) + GAP * (len(least) - 1) <= width


def _least(text: str) -> int:
    longest_word = max((len(word) for word in text.split()), default=0)
    longest_line = max((len(line) for line in text.splitlines()), default=0)
    return max(longest_word, min(longest_line, NARROW))


def _print_table(out: Console, title: str, headers: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    table = Table(header_style="bold", box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for header in headers:
        table.add_column(header.removesuffix("#"), justify="right" if header.endswith("#") else "left", overflow="fold")
    for row in texts:
        table.add_row(*map(Text, row))
    _print_title(out, title)
    out.print(table)


def _print_title(out: Console, title: str) -> None:
    out.print(plain(title), style="bold", highlight=False, markup=False, soft_wrap=True)


def _print_blocks(out: Console, title: str, headers: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    """Print one value per line, all values aligned."""
    from rich.text import Text  # noqa: PLC0415 - as above

    names = [name_of(header) for header in headers]
    _print_title(out, title)
    for number, row in enumerate(texts, start=1):
        out.print(Text(f"-- {number} of {len(texts)} ".ljust(min(out.width, 60), "-"), style="dim"))
        _print_pairs(out, list(zip(names, row, strict=True)))


def _print_pairs(out: Console, pairs: Sequence[tuple[str, str]]) -> None:
    from rich.text import Text  # noqa: PLC0415 - as above

    margin = max(len(name) for name, _ in pairs) + GAP
    for name, text in pairs:
        first, *more = text.split("\n")
        out.print(Text(f"{name:<{margin}}{first}".rstrip()), soft_wrap=True)
        for line in more:
            out.print(Text(f"{'':<{margin}}{line}"), soft_wrap=True)
