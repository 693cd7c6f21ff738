"""Storage of Dagster's instance for runs, events and logs: in the installation that the settings name.

`dagster.yaml` names these classes, so it works unchanged from any DAGSTER_HOME: it needs no variables that only
`casegold env` knows, and a run's log is found whoever started the run. Not here: the other settings of the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from casegold.runtime.settings import load_settings
from casegold.servers import dagster_home


class InstallationStorage(DagsterPostgresStorage):
    """Runs, events and schedules: in a schema of the installation's own database."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Open the storage. Raises SourceUnavailable if the local servers were never started."""
        return cls(load_settings().dagster_url(), inst_data=inst_data)


class InstallationFiles(LocalArtifactStorage):
    """Files of runs: in the installation's home directory."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        return cls(str(dagster_home.directory(load_settings())), inst_data=inst_data)


class InstallationLogs(LocalComputeLogManager):
    """Standard output and error of runs: in the installation's home directory."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        return cls(str(dagster_home.directory(load_settings()) / "storage"), inst_data=inst_data)
