"""Canonical events as JSON Lines: one structured CloudEvent per line. Not here: sending them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent, Rejection
from casegold.source.codec import STRUCTURED_CONTENT, Encoding, KafkaRecord, decode, encode
from casegold.source.json_text import MAX_BYTES
from casegold.source.log_file import open_regular

_HEADERS = (("content-type", STRUCTURED_CONTENT.encode()),)
_LONGEST = MAX_BYTES + len(b"\r\n")


def write_events(path: Path, events: Iterable[CaseEvent]) -> int:
    """Write events to a file, which appears only when it is complete. Returns the number of events."""
    partial = path.with_name(f"{path.name}.partial")
    written = 0
    with partial.open("wb") as file:
        for event in events:
            file.write(encode(event, Encoding.STRUCTURED, default_source=event.source).value + b"\n")
            written += 1
    partial.replace(path)
    return written


def read_events(path: Path) -> Iterator[CaseEvent]:
    """The events of a file, in order. Raises ConfigurationError naming the first line that is not an event."""
    for number, line in read_lines(path):
        record = KafkaRecord(str(path), 0, number, datetime.now(UTC), None, line, _HEADERS)
        event = decode(record, default_source="")
        if isinstance(event, Rejection):
            raise ConfigurationError(
                f"{path}, line {number}: {event.reason}: {event.detail}",
                remedy="`casegold check-events` lists every line that is not an event, with what to do",
            )
        yield event


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers. A line beyond MAX_BYTES is cut, but stays long enough to be refused.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", remedy="name a readable file") from error
    with file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), start=1):
            rest = line
            while len(rest) == _LONGEST and not rest.endswith(b"\n"):
                rest = file.readline(_LONGEST)
            yield number, line.rstrip(b"\r\n")
