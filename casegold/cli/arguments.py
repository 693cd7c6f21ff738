"""Arguments and options that several commands share, and how they are parsed. Not here: output options (`output`)."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from casegold.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from casegold.control.db import Connection
    from casegold.domain.calendar import BusinessCalendar

ROOM = "casegold.cli"

SHORT_ID = 12
"""Digits of a run id that are shown; every command accepts a unique prefix."""

_DATASET_ID = re.compile(r"property: datasetId\s+value: (\S+)")


class Dataset(click.ParamType[str]):
    """The name of a dataset. Shell completion searches the contract files as text: no YAML parser, no server."""

    name = "dataset"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        return [CompletionItem(name) for name in datasets() if name.startswith(incomplete)]


def datasets() -> list[str]:
    """The dataset names in the contract files of this shell's installation, sorted; empty without contracts."""
    from casegold.runtime.shipped import DATASET_CONTRACTS, PRODUCTS  # noqa: PLC0415 - only for completion

    # Not through `Settings`: it is slow to import and refuses a wrong value. Completion must be fast and never fail.
    files = [*Path(os.environ.get("CASEGOLD_CONTRACTS_DIR") or DATASET_CONTRACTS).expanduser().glob("*.yaml")]
    for folder in (PRODUCTS, os.environ.get("CASEGOLD_PRODUCTS_DIR")):
        files += Path(folder).expanduser().glob("*/contract.yaml") if folder else ()
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    return sorted({found[1] for text in texts for found in _DATASET_ID.finditer(text)})


DATASET = Dataset()


def _said(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("give a reason")
    return value


reason_option = click.option("--reason", required=True, callback=_said, help="Why you do this; it is recorded.")


def as_date(text: str) -> date:
    """Parse a date, or a month as its first date. Raises click.BadParameter."""
    try:
        return date.fromisoformat(text) if len(text) > len("2026-01") else datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a date such as 2026-03-01 or a month such as 2026-03") from error


def as_instant(text: str, calendar: BusinessCalendar) -> datetime:
    """Parse an instant; a date means its end in the business time zone. Raises click.BadParameter."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither an instant such as 2026-03-01T17:00:00+01:00 nor a date"
        ) from error
    if len(text) <= len("2026-01-01"):
        return calendar.end_of(instant.date())
    if instant.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no time zone: write 2026-03-01T17:00:00+01:00 or ...Z")
    return instant


def find_run(connection: Connection, beginning: str) -> str:
    """The whole id of the run with this unique prefix.

    Raises:
        ConfigurationError: no run or several runs have this prefix.
    """
    from casegold.domain.sql import query  # noqa: PLC0415 - with the database

    found = connection.execute(query(ROOM, "manifest_by_prefix"), {"beginning": beginning}).fetchall()
    if len(found) != 1:
        raise ConfigurationError(
            f"{'several runs begin' if found else 'no run begins'} with {beginning!r}",
            remedy="`casegold runs` lists them; give more digits",
        )
    return str(found[0]["run_id"])
