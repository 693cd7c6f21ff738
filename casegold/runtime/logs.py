"""The program's log on standard error: one line per record, of casegold and of the libraries that it uses.

Commands and the batch job set it up for the whole process; in Dagster's processes, only for casegold's own records.
Not here: what a command prints for people (`cli`).
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any, TextIO

from casegold.domain.plain_text import one_line

REPEAT_SECONDS = 60.0
"""A client without its server logs the same text many times a second: it is logged once in this time, with a count."""

_NUMBERS = re.compile(r"[0-9]+")


def set_up(logger: str | None = None) -> None:
    """Set up the log of this process. Idempotent.

    Args:
        logger: the logger to write, if another program handles the others; None for all.
    """
    ours = logging.getLogger(logger)
    if not any(isinstance(handler, _StandardError) for handler in ours.handlers):
        ours.addHandler(_StandardError())


def set_level(level: str) -> None:
    """Set the level of casegold's own loggers. Libraries log warnings and above."""
    logging.getLogger("casegold").setLevel(level)


class _Line(logging.Formatter):
    """Time in UTC, level, logger, text. Control characters are escaped: text from outside must not forge a line."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return "\n".join(f"  {one_line(line)}" for line in super().formatException(ei).splitlines())


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to `sys.stderr` as it is when a record arrives: Dagster and tests replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(_Line())
        self.addFilter(_Repeats())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute there
        return sys.stderr


class _Repeats(logging.Filter):
    """Lets a text pass once per `REPEAT_SECONDS`; texts that differ only in numbers are the same."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        key = record.name, _NUMBERS.sub("0", record.getMessage())
        at, held_back = self._told.get(key, (now - REPEAT_SECONDS, 0))
        if now - at < REPEAT_SECONDS:
            self._told[key] = at, held_back + 1
            return False
        # Forget old texts: those with names in them would accumulate.
        self._told = {told: seen for told, seen in self._told.items() if now - seen[0] < 10 * REPEAT_SECONDS}
        self._told[key] = now, 0
        if held_back:
            record.msg, record.args = f"{record.getMessage()} (repeated {held_back} times before)", None
        return True
