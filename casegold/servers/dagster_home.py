"""Dagster's home directory of an installation. Not here: Dagster; the core never imports it."""

from __future__ import annotations

import os
from pathlib import Path

from casegold.runtime.settings import OWNER_URL, PREFIX, Settings
from casegold.runtime.shipped import INSTANCE_FILE

FOR_THE_SHELL = {"DAGSTER_MODULE_NAME": "platform_assets.definitions"}
"""Beside `environment`, what spares a person's `dagster` commands a workspace file."""


def directory(settings: Settings) -> Path:
    """What DAGSTER_HOME is for the processes that casegold starts: run logs and other files of Dagster go there."""
    return settings.home / "dagster"


def make(settings: Settings) -> Path:
    """Have the directory, with a link to the one instance file that there is."""
    home = directory(settings)
    home.mkdir(parents=True, exist_ok=True)
    link = home / INSTANCE_FILE.name
    if not (link.is_symlink() and link.readlink() == INSTANCE_FILE):
        part = link.with_name(f".{link.name}.{os.getpid()}")
        part.unlink(missing_ok=True)
        part.symlink_to(INSTANCE_FILE)
        part.replace(link)
    return home


def process_environment(settings: Settings) -> dict[str, str]:
    """All variables of a Dagster process that is started on the workspace file: ours, and `environment`.

    Not the owner's address: what runs the platform must not be able to change who approved what.

    Dagster's programs take a workspace file or a module, never both: a shell may have what `casegold env` prints.
    """
    kept_back = {*FOR_THE_SHELL, OWNER_URL}
    inherited = {name: value for name, value in os.environ.items() if name not in kept_back}
    return inherited | environment(settings)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that any Dagster process of this installation needs, wherever it runs.

    Raises:
        SourceUnavailable: the local servers were never started.
    """
    settings.database_url()
    return {"DAGSTER_HOME": str(directory(settings)), f"{PREFIX}HOME": str(settings.home)}
