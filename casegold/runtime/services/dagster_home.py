"""Dagster's home directory of an installation. Not here: Dagster; the core never imports it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from casegold.runtime.settings import PREFIX, REPOSITORY, Settings

INSTANCE_FILE = REPOSITORY / "deploy" / "dagster" / "dagster.yaml"
WORKSPACE_FILE = REPOSITORY / "deploy" / "dagster" / "workspace.yaml"

FOR_THE_SHELL = {"DAGSTER_MODULE_NAME": "platform_assets.definitions"}
"""Beside `environment`, what spares a person's `dagster` commands a workspace file."""


def directory(settings: Settings) -> Path:
    """What DAGSTER_HOME has to be: run logs and other files of Dagster go there."""
    return settings.home / "dagster"


def make(settings: Settings) -> Path:
    """Have the directory, with the instance file as it is in the repository now."""
    home = directory(settings)
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(INSTANCE_FILE, home / "dagster.yaml")
    return home


def process_environment(settings: Settings) -> dict[str, str]:
    """All variables of a Dagster process that is started on the workspace file: ours, and `environment`.

    Dagster's programs take a workspace file or a module, never both: a shell may have what `casegold env` prints.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in FOR_THE_SHELL}
    return inherited | environment(settings)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that any Dagster process of this installation needs.

    Raises:
        SourceUnavailable: the local servers were never started.
    """
    return {
        "DAGSTER_HOME": str(directory(settings)),
        f"{PREFIX}HOME": str(settings.home),
        f"{PREFIX}DAGSTER_URL": settings.dagster_url(),
    }
