"""Dagster's home directory of an installation. Not here: Dagster; the core never imports it."""

from __future__ import annotations

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
