"""Event logs (CSV or XES, also .gz) as rows of text, streaming. Not here: what the columns mean (`mapping`).

XES attributes get the names that CSV exports of the same logs have: an event's key as it is, a trace's after `case:`.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

# The streaming parser itself: documents with a DTD are refused below, so there is nothing to expand.
from xml.parsers import expat

from casegold.domain.errors import ConfigurationError

MAX_FIELD = 1024 * 1024
_CHUNK = 64 * 1024
_ATTRIBUTES = frozenset({"string", "date", "int", "float", "boolean", "id"})


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event of the log. `place` names it to a person: `receipt.csv, line 17`."""

    place: str
    values: dict[str, str]


def read_rows(path: Path) -> Iterator[LogRow]:
    """The rows of a log, in the file's order. Raises ConfigurationError naming file and line."""
    name = path.name.removesuffix(".gz")
    readers = {".csv": _csv_rows, ".xes": _xes_rows}
    reader = readers.get(Path(name).suffix.lower())
    if reader is None:
        raise _refusal(path.name, "is neither CSV nor XES", "name it .csv, .xes, .csv.gz or .xes.gz")
    try:
        with _open(path) as file:
            yield from reader(file, path.name)
    except OSError as error:
        raise _refusal(path.name, f"cannot be read: {error}", "check the path and the file") from error
    except (EOFError, zlib.error) as error:
        raise _refusal(path.name, f"is damaged: {error}", "fetch it again") from error


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _refusal(place: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{place}: {problem}", remedy=remedy)


def _csv_rows(file: BinaryIO, name: str) -> Iterator[LogRow]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header or len(set(header)) != len(header):
            raise _refusal(f"{name}, line 1", "no header, or a column twice", "give every column its own name")
        for row in reader:
            place = f"{name}, line {reader.line_num}"
            if len(row) != len(header):
                raise _refusal(place, f"{len(row)} fields, the header has {len(header)}", "correct the line")
            yield LogRow(place, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise _refusal(f"{name}, line {reader.line_num}", str(error), "correct the line") from error
    except UnicodeDecodeError as error:
        raise _refusal(f"{name}, after line {reader.line_num}", "not UTF-8", "convert the file to UTF-8") from error


def _xes_rows(file: BinaryIO, name: str) -> Iterator[LogRow]:
    trace = _XesTraces(name)
    try:
        while chunk := file.read(_CHUNK):
            trace.parser.Parse(chunk, False)
            yield from trace.take()
        trace.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise _refusal(f"{name}, line {error.lineno}", f"not XML: {error}", "correct the file") from error
    yield from trace.take()


class _XesTraces:
    """Collects complete traces; of a trace's events only its own are in memory."""

    def __init__(self, name: str) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._name = name
        self._path: list[str] = []
        self._trace: dict[str, str] = {}
        self._events: list[tuple[int, dict[str, str]]] = []
        self._complete: list[LogRow] = []

    def take(self) -> list[LogRow]:
        rows, self._complete = self._complete, []
        return rows

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        tag = qualified.rpartition(":")[2]
        if tag == "event" and self._path[-1:] == ["trace"]:
            self._events.append((self.parser.CurrentLineNumber, {}))
        elif tag in _ATTRIBUTES and self._path[-1:] == ["event"] and self._events:
            self._set(self._events[-1][1], "", attributes)
        elif tag in _ATTRIBUTES and self._path[-1:] == ["trace"]:
            self._set(self._trace, "case:", attributes)
        self._path.append(tag)

    def _set(self, values: dict[str, str], prefix: str, attributes: dict[str, str]) -> None:
        key, value = f"{prefix}{attributes.get('key', '')}", attributes.get("value", "")
        place = f"{self._name}, line {self.parser.CurrentLineNumber}"
        if key in values:
            raise _refusal(place, f"the attribute {key!r} is given twice", "correct the file")
        if len(value) > MAX_FIELD:
            raise _refusal(place, f"the attribute {key!r} has more than {MAX_FIELD} characters", "correct the file")
        values[key] = value

    def _end(self, _qualified: str) -> None:
        if self._path.pop() != "trace":
            return
        for line, event in self._events:
            self._complete.append(LogRow(f"{self._name}, line {line}", {**self._trace, **event}))
        self._trace, self._events = {}, []

    def _refuse_dtd(self, *_declaration: object) -> NoReturn:
        place = f"{self._name}, line {self.parser.CurrentLineNumber}"
        raise _refusal(place, "has a document type declaration, which can hold hostile entities", "remove it")
