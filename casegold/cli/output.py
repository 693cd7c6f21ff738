"""The options `--format`, `--columns` and `--limit`, the same for every command. Not here: what a command answers.

A command that lists rows is `@listed`: it prints a table for people, or one JSON array for programs. A command that
describes one thing is `@described`: it prints a line for each fact, or one JSON object. With JSON and CSV, standard
output has nothing else; remarks go to standard error.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import Any

import click

from casegold.cli.tables import show, show_lines
from casegold.cli.values import Below, as_json, name_of
from casegold.domain.csv_text import safe_cell
from casegold.domain.errors import ConfigurationError

Command = Callable[..., Any]

TABLE, JSON, CSV = "table", "json", "csv"


@dataclass(frozen=True, slots=True)
class Output:
    """The output options of one call, and the methods that print by them."""

    form: str
    columns: tuple[str, ...] = ()
    """Names of the columns to show, in this order; if empty, all."""
    limit: int | None = None
    """Maximum number of rows; None for all."""
    raw: bool = False
    """Write texts to CSV unchanged. By default they are escaped, so that no spreadsheet runs one as a formula."""

    def rows(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        empty: str,
        seldom: Sequence[str] = (),
    ) -> None:
        """Print a list. `columns` are as for `tables.show`; in JSON and CSV, their names have `_` for spaces.

        Args:
            empty: the text to print instead of a table without rows.
            seldom: columns that a table leaves out if no row has a value.

        Raises:
            ConfigurationError: `--columns` names a column that does not exist.
        """
        chosen = self._chosen(columns)
        headers = [columns[number] for number in chosen]
        kept = ([row[number] for number in chosen] for row in map(tuple, rows))
        if self.form == JSON:
            names = [name_of(header) for header in headers]
            self.stream(dict(zip(names, row, strict=True)) for row in kept)
        elif self.form == CSV:
            self._csv(headers, kept)
        else:
            found = list(kept)
            idle = [number for number, header in enumerate(headers) if header in seldom and not _any(found, number)]
            shown = [number for number in range(len(headers)) if number not in idle]
            show(
                title,
                [headers[number] for number in shown],
                [[row[number] for number in shown] for row in found],
                empty=empty,
            )
            if found and len(found) == self.limit:
                click.echo(f"{self.limit} rows are shown; --limit shows more.", err=True)

    def stream(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Print objects as one JSON array, one object per line, each as soon as it arrives."""
        before = "["
        for item in items:
            click.echo(f"{before}\n{json.dumps(as_json(item), allow_nan=False)}", nl=False)
            before = ","
        click.echo("[]" if before == "[" else "\n]")

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        """Print the facts about one thing, one per line. Names have spaces; in JSON `_` instead."""
        if self.form == JSON:
            self.document({name_of(name): value for name, value in facts.items()})
        else:
            show_lines(title, ((name, value) for name, value in facts.items() if not isinstance(value, Below)))
            self.below(facts)

    def below(self, facts: Mapping[str, Any]) -> None:
        """Print those facts that are tables and have rows."""
        for part in facts.values():
            if isinstance(part, Below) and part.rows:
                show(f"\n{part.title}", part.columns, part.rows, empty="")

    def document(self, value: Mapping[str, Any]) -> None:
        """Print one JSON object."""
        click.echo(json.dumps(as_json(value), indent=2, allow_nan=False))

    def say(self, text: str) -> None:
        """Print a remark for people: to standard output with a table, else to standard error."""
        click.echo(text, err=self.form != TABLE)

    def _chosen(self, columns: Sequence[str]) -> list[int]:
        names = [name_of(column) for column in columns]
        if len(set(names)) < len(names):
            raise ValueError(f"two columns have the same name: {names}")
        for wanted in self.columns:
            if wanted not in names:
                near = get_close_matches(wanted, names, n=3, cutoff=0.5)
                meant = f"did you mean {' or '.join(near)}? " if near else ""
                raise ConfigurationError(f"no column {wanted!r}", remedy=f"{meant}The columns are {', '.join(names)}")
        return [names.index(wanted) for wanted in self.columns] or list(range(len(names)))

    def _csv(self, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print CSV (RFC 4180) with a header line; a null is an empty field."""
        out = csv.writer(sys.stdout)
        out.writerow([name_of(header) for header in headers])
        for row in rows:
            out.writerow([csv_cell(value, raw=self.raw) for value in row])


def _any(rows: Sequence[Sequence[Any]], number: int) -> bool:
    return any(row[number] not in (None, "") for row in rows)


def csv_cell(value: object, *, raw: bool) -> str:
    """A value as a CSV field. A text that a spreadsheet would take for a formula is escaped, unless `raw`."""
    if isinstance(value, str):
        return value if raw else safe_cell(value)
    return "" if value is None else str(as_json(value))


def listed(*, limit: int | None = None, columns: bool = True, csv_too: bool = False) -> Callable[[Command], Command]:
    """Decorate a command that lists rows: adds `--format` and `--columns`, and passes it an `Output` as `out`.

    Args:
        limit: also adds `--limit`, with this default for a table; JSON and CSV have all rows by default.
        columns: False for a command that prints rows while it finds them, and so has no `--columns`.
        csv_too: adds the format CSV, and `--raw` for it.
    """
    shown = None if limit is None else f"Show at most N rows. [default: {limit} in a table, else all]"
    return _answering(lambda form: limit if form == TABLE else None, shown, columns, csv_too)


def described(*, limit: int | None = None, csv_too: bool = False) -> Callable[[Command], Command]:
    """Decorate a command that describes one thing: adds `--format`, and passes it an `Output` as `out`.

    Args:
        limit: also adds `--limit`: the number of rows to show in detail.
        csv_too: as for `listed`; a CSV has all rows.
    """
    shown = None if limit is None else f"Show details of at most N rows; counts stay exact. [default: {limit}]"
    return _answering(lambda _form: limit, shown, False, csv_too)


def _answering(
    usual_limit: Callable[[str], int | None], limit_help: str | None, columns: bool, csv_too: bool
) -> Callable[[Command], Command]:
    """Add the options, and pass their values as one `Output`."""
    forms = [TABLE, JSON, CSV] if csv_too else [TABLE, JSON]
    options = [click.option("--format", "form", type=click.Choice(forms), default=TABLE, show_default=True)]
    if columns:
        options.append(click.option("--columns", metavar="A,B,C", help="Only these columns, in this order."))
    if csv_too:
        options.append(click.option("--raw", is_flag=True, help="In CSV, do not escape texts that look like formulas."))
    if limit_help is not None:
        options.append(click.option("--limit", type=click.IntRange(min=1), metavar="N", help=limit_help))

    def decorate(function: Command) -> Command:
        @wraps(function)
        def answering(
            *arguments: Any,
            form: str = TABLE,
            columns: str | None = None,
            limit: int | None = None,
            raw: bool = False,
            **more: Any,
        ) -> Any:
            most = usual_limit(form) if limit is None else limit
            return function(*arguments, out=Output(form, _names(columns), most, raw), **more)

        command: Command = answering
        for option in options:
            command = option(command)
        return command

    return decorate


def _names(columns: str | None) -> tuple[str, ...]:
    return () if columns is None else tuple(name_of(name.strip()) for name in columns.split(",") if name.strip())
