"""The platform as a Dagster resource: opened on first use, once per process. Not here: settings, or any work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from casegold.runtime.settings import Settings

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform


class PlatformResource:
    """Access to the installation that the settings name.

    It opens on first use, so that definitions load without servers, and a sensor finds servers that started later. If
    opening fails, the next use retries it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: Platform | None = None

    def open(self) -> Platform:
        """The open installation.

        Raises:
            SourceUnavailable: its servers are not up.
            ConfigurationError: the business time zone differs from that of the installation.
        """
        from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg

        with self._lock:
            if self._opened is None:
                self._opened = open_platform(self._settings)
            return self._opened
