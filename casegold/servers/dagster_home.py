"""An installation's DAGSTER_HOME, and the environment of Dagster's processes. The core never imports Dagster itself."""

from __future__ import annotations

import os
from pathlib import Path

from casegold.runtime.settings import OWNER_URL, PREFIX, Settings
from casegold.runtime.shipped import INSTANCE_FILE

FOR_THE_SHELL = {"DAGSTER_MODULE_NAME": "platform_assets.definitions"}
"""In addition to `environment`: with it, a person's `dagster` commands need no workspace file."""


def directory(settings: Settings) -> Path:
    """DAGSTER_HOME of the processes that casegold starts: Dagster writes run logs and other files there."""
    return settings.home / "dagster"


def make(settings: Settings) -> Path:
    """Create the directory with a link to the shipped instance file; return it. Idempotent."""
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
    """All variables of a Dagster process that is started with the workspace file: inherited ones, and `environment`.

    Left out are the owner's address, because a process of the platform must not be able to change who approved what,
    and the module name that `casegold env` sets: Dagster's programs refuse a module together with a workspace file.
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
