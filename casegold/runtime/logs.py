"""The program's log: one line each on standard error, of ours and of the libraries that we use.

`casegold`'s commands and its batch job write it themselves; in Dagster's processes standard error is their log. Not
here: what is said to the person who gave a command (`cli`).
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any, TextIO

from casegold.domain.plain_text import one_line

REPEAT_SECONDS = 60.0
"""A client whose server is away says the same many times a second: it is told once in this time, with the number."""

_NUMBERS = re.compile(r"[0-9]+")


def set_up(logger: str | None = None) -> None:
    """Write the log of this process. Twice is once.

    Args:
        logger: the part that is ours, where somebody else writes the rest; None: all.
    """
    ours = logging.getLogger(logger)
    if not any(isinstance(handler, _StandardError) for handler in ours.handlers):
        ours.addHandler(_StandardError())


def set_level(level: str) -> None:
    """How much of our own is told; of the libraries, warnings."""
    logging.getLogger("casegold").setLevel(level)


class _Line(logging.Formatter):
    """UTC, level, logger, text. Text from outside steers no terminal and begins no line."""

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
    """To what standard error is at the time of the record: Dagster and tests put another one in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(_Line())
        self.addFilter(_Repeats())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute there
        return sys.stderr


class _Repeats(logging.Filter):
    """Lets a text through once in `REPEAT_SECONDS`, whatever the numbers in it."""

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
        # What was told long ago is forgotten: texts with names in them would pile up.
        self._told = {told: seen for told, seen in self._told.items() if now - seen[0] < 10 * REPEAT_SECONDS}
        self._told[key] = now, 0
        if held_back:
            record.msg, record.args = f"{record.getMessage()} (and {held_back} times more before)", None
        return True
