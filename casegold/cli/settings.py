"""`casegold settings`: the settings in force in this shell. Not here: their definitions (`runtime.settings`)."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import click

from casegold.cli.output import TABLE, Output, listed
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import PREFIX, Settings, load_settings


@click.command()
@listed()
def settings(out: Output) -> None:
    """Show every setting, its value here, and whether a variable sets it. Passwords are left out.

    Exits 40 where a product of CASEGOLD_PRODUCTS_DIR cannot be read.

    \b
    Examples:
      casegold settings
      casegold settings --format json --columns name,value
    """
    found = load_settings()
    if out.form == TABLE and not out.columns:
        for name, field in Settings.model_fields.items():
            origin = "" if name in found.model_fields_set else "  (default)"
            click.echo(f"{PREFIX}{name.upper()}={_shown(found, name)}{origin}\n    {field.description}")
        read_products(found.products_dir)
        return
    out.rows(
        "Settings",
        ("name", "value", "set", "meaning"),
        (
            (
                f"{PREFIX}{name.upper()}",
                _shown(found, name) or None,
                name in found.model_fields_set,
                field.description,
            )
            for name, field in Settings.model_fields.items()
        ),
        empty="",
    )
    read_products(found.products_dir)


def _shown(found: Settings, name: str) -> str:
    """The value as text; a URL without user, password and query."""
    value = getattr(found, name)
    if value is None:
        return ""
    parts = urlsplit(str(value))
    if parts.scheme and parts.netloc:
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
    return str(value)


commands = (settings,)
