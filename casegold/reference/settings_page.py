"""Writes docs/settings.md from `runtime.settings`; `make settings` runs it. Not here: the settings."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from casegold.runtime.settings import PREFIX, Settings
from casegold.runtime.shipped import REPOSITORY

HEAD = """\
# Settings

Environment variables configure an installation. A `CASEGOLD_*` variable that is not in this table, or an invalid value,
ends any command with exit code 40; the message names it. `make settings` writes this page from
`casegold/runtime/settings.py`.

Without `CASEGOLD_POSTGRES_URL` and `CASEGOLD_KAFKA_BOOTSTRAP`, `casegold up` starts a PostgreSQL and an Apache Kafka on
free loopback ports, with their data in the home directory. With them, it starts no local server, and only creates
schemas and topics in your own servers.

`casegold env` prints the variables that Dagster's own commands need outside the repository.

| variable | kind | default | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page as text."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.default is None else f"`{_portable(field.default)}`"
    return f"| `{PREFIX}{name.upper()}` | {_kind(field.annotation)} | {default} | {field.description} |\n"


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in {Union, types.UnionType}:
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not types.NoneType)
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    names = {"str": "text", "int": "number", "Path": "path", "SecretStr": "secret", "date": "date"}
    return names[annotation.__name__]


def _portable(default: Any) -> str:
    """A default that does not depend on the repository's location."""
    if isinstance(default, Path) and default.is_relative_to(REPOSITORY):
        return str(default.relative_to(REPOSITORY))
    return str(default)


if __name__ == "__main__":
    click.echo(page(), nl=False)
