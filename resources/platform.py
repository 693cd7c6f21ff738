"""The platform as a Dagster resource: opened when first used, once in a process. Not here: settings, or any work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from casegold.runtime.settings import Settings

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform


class PlatformResource:
    """Access to the installation that the settings name.

    Opening is put off to the first use: definitions load where no server runs, and a sensor finds servers that came
    up later. A failed opening is tried again by the next use.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: Platform | None = None

    def open(self) -> Platform:
        """The open installation.

        Raises:
            SourceUnavailable: its servers are not up.
            ConfigurationError: the business time zone is not the one it was started with.
        """
        from casegold.runtime.platform import open_platform  # noqa: PLC0415 - loads Iceberg, definitions do without

        with self._lock:
            if self._opened is None:
                self._opened = open_platform(self._settings)
            return self._opened
