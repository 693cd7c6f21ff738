"""Reads XES event logs as rows of text, streaming and bounded. Not here: the meaning of attributes (`mapping`).

Attributes get the names that they have in CSV exports: the key of an event as it is, the key of a trace after `case:`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

# The plain streaming parser is safe here: documents with a DTD are refused below, so no entity is expanded.
from xml.parsers import expat

from casegold.domain.errors import ConfigurationError
from casegold.source.log_file import open_log, refusal
from casegold.source.log_row import MAX_FIELD, Columns, Row

MAX_ATTRIBUTES = 1_000
"""Limit for an event, and for a trace."""
MAX_EVENTS = 100_000
"""Limit for a trace."""
MAX_HELD = 32 * 1024 * 1024
"""Characters and cells in memory for one trace, because an attribute after its events still applies to all of them."""
MAX_TOKEN = 8 * 1024 * 1024
"""Limit for one tag or comment, in bytes."""
MAX_DEPTH = 100
MAX_NAMES = 10_000
"""Limit for different names of elements and attributes, because the parser keeps each in memory."""
_CHUNK = 64 * 1024
_ATTRIBUTES = frozenset({"string", "date", "int", "float", "boolean", "id"})
_CASE = "case:"


def xes_rows(path: Path, columns: Columns) -> Iterator[Row]:
    """The events of a log, each with its line number and the cells of `columns`."""
    traces = _Traces(path.name, columns.names)
    fed = 0
    with open_log(path) as file:
        while chunk := file.read(_CHUNK):
            fed += len(chunk)
            traces.parse(chunk, final=False)
            traces.refuse_excess(fed)
            yield from traces.take()
    traces.parse(b"", final=True)
    yield from traces.take()


class _Traces:
    """Collects complete traces. It keeps the events of one trace in memory, with only the requested cells."""

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._name = name
        self._slots = {column: slot for slot, column in enumerate(columns)}
        self._path = [""]
        self._complete: list[Row] = []
        self._cells: list[str | None] = []
        self._begin_trace()

    def _begin_trace(self) -> None:
        self._trace: list[str | None] = [None] * len(self._slots)
        self._trace_keys: set[str] = set()
        self._keys: set[str] = set()
        self._events: list[tuple[int, list[str | None]]] = []
        self._held = 0

    def parse(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            raise refusal(f"{self._name}, line {error.lineno}", f"not XML: {error}", "correct the file") from error
        except (
            LookupError,
            ValueError,
        ) as error:  # raised by Python's codecs for an encoding that the document declares
            problem = f"the encoding of the XML cannot be read: {error}"
            raise refusal(f"{self._name}, line 1", problem, "convert the file to UTF-8") from error

    def take(self) -> list[Row]:
        rows, self._complete = self._complete, []
        return rows

    def refuse_excess(self, fed: int) -> None:
        """Check, after every chunk, the memory that a file can use without completing a trace."""
        if fed - self._parser.CurrentByteIndex > MAX_TOKEN:
            raise self._refusal(f"a tag or comment of more than {MAX_TOKEN} bytes")
        if len(self._parser.intern) > MAX_NAMES:
            raise self._refusal(f"more than {MAX_NAMES} different names of elements and attributes")
        self._refuse_attributes()

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        tag = qualified.rpartition(":")[2] if ":" in qualified else qualified
        parent = self._path[-1]
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH + 1:  # the first stands for the document
            raise self._refusal(f"elements nested deeper than {MAX_DEPTH}")
        if parent == "event":
            if tag in _ATTRIBUTES:
                self._attribute(self._cells, self._keys, attributes.get("key", ""), attributes.get("value", ""))
        elif tag == "event":
            if parent != "trace":
                raise self._refusal("an event outside a trace belongs to no case", "put it into its case's trace")
            self._begin_event()
        elif parent == "trace" and tag in _ATTRIBUTES:
            key = _CASE + attributes.get("key", "")
            self._attribute(self._trace, self._trace_keys, key, attributes.get("value", ""))
        elif tag == "trace" and "trace" in self._path[:-1]:
            raise self._refusal("a trace within a trace")

    def _begin_event(self) -> None:
        self._keys = set()
        self._cells = [None] * len(self._slots)
        self._events.append((self._parser.CurrentLineNumber, self._cells))
        self._hold(len(self._slots))
        if len(self._events) > MAX_EVENTS:
            raise self._refusal(f"a trace of more than {MAX_EVENTS} events", "split the log")

    def _attribute(self, cells: list[str | None], keys: set[str], key: str, value: str) -> None:
        """Add one attribute to the cells and keys of an event or trace."""
        if key in keys:
            raise self._refusal(f"the attribute {key!r} is given twice")
        keys.add(key)
        if len(value) > MAX_FIELD:
            raise self._refusal(f"the attribute {key!r} has more than {MAX_FIELD} characters")
        slot = self._slots.get(key)
        if slot is not None:
            cells[slot] = value
            self._hold(len(value))

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > MAX_HELD:
            raise self._refusal(f"a trace of more than {MAX_HELD} characters", "split the log")

    def _end(self, _qualified: str) -> None:
        tag = self._path.pop()
        if tag == "event":
            if len(self._keys) > MAX_ATTRIBUTES:
                self._refuse_attributes()
        elif tag == "trace":
            self._refuse_attributes()
            of_trace = [(slot, value) for slot, value in enumerate(self._trace) if value is not None]
            for line, cells in self._events:
                for slot, value in of_trace:
                    if cells[slot] is None:
                        cells[slot] = value
                self._complete.append((line, tuple(cells)))
            self._begin_trace()

    def _refuse_attributes(self) -> None:
        if max(len(self._keys), len(self._trace_keys)) > MAX_ATTRIBUTES:
            raise self._refusal(f"more than {MAX_ATTRIBUTES} attributes of one event or trace")

    def _refuse_dtd(self, *_declaration: object) -> NoReturn:
        raise self._refusal("has a document type declaration, which can hold hostile entities", "remove it")

    def _refusal(self, problem: str, remedy: str = "correct the file") -> ConfigurationError:
        return refusal(f"{self._name}, line {self._parser.CurrentLineNumber}", problem, remedy)
