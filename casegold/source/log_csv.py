"""Reads CSV event logs as rows of text, streaming and bounded. Not here: the meaning of columns (`mapping`)."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, cast

from casegold.source.log_file import open_log, refusal
from casegold.source.log_row import MAX_FIELD, Cells, Columns, Form, Row

MAX_RECORD = 4 * 1024 * 1024
"""Maximum length of one record, in characters. A record with quoted line breaks spans several lines."""
MAX_COLUMNS = 10_000
_CHUNK = 64 * 1024


def csv_rows(path: Path, columns: Columns, form: Form) -> Iterator[Row]:
    """The rows of a log without blank lines, each with the number of its last line and the cells of `columns`."""
    csv.field_size_limit(MAX_FIELD)
    with open_log(path) as file:
        lines = _Lines(file, path.name, form.encoding)
        reader = csv.reader(lines.read(), delimiter=form.delimiter, strict=True)
        try:
            header = next(reader, None)
            lines.held = 0
            pick = _picker(header, columns, path.name)
            width = len(header or ())
            for row in reader:
                lines.held = 0
                if len(row) == width:
                    row.append("")
                    yield reader.line_num, pick(row)
                elif row:
                    place = f"{path.name}, line {reader.line_num}"
                    raise refusal(place, f"{len(row)} fields, the header has {width}", "correct the line")
        except csv.Error as error:
            place = f"{path.name}, line {reader.line_num}"
            raise refusal(place, str(error), "correct the line, or set `delimiter` in the mapping") from error
        except UnicodeError as error:
            raise _undecodable(path, form.encoding) from error


class _Lines:
    """The lines of the file for the csv reader. `held` is the length of the current record; the caller resets it."""

    def __init__(self, file: BinaryIO, name: str, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding=encoding, newline="")
        self._name = name
        self.held = 0

    def read(self) -> Iterator[str]:
        readline, number = self._text.readline, 1
        line = readline(MAX_RECORD + 1).removeprefix("\ufeff")
        while line:
            self.held += len(line)
            if self.held > MAX_RECORD:
                problem = f"a record of more than {MAX_RECORD} characters"
                raise refusal(f"{self._name}, line {number}", problem, "correct the line: is a quotation mark missing?")
            yield line
            number += 1
            line = readline(MAX_RECORD + 1)


def _picker(header: list[str] | None, columns: Columns, name: str) -> Callable[[list[str]], Cells]:
    """A function that picks the cells of the columns from a row; an absent column gets the cell after the last one."""
    place = f"{name}, line 1"
    if not header or len(header) > MAX_COLUMNS or len(set(header)) != len(header):
        problem = f"no header, a duplicate column, or more than {MAX_COLUMNS} columns"
        raise refusal(place, problem, "give every column its own name")
    missing = [column for column in columns.required if column not in header]
    if missing:
        remedy = f"its columns: {', '.join(sorted(header))[:1000]}"
        found = next((mark for mark in (";", "\t", "|", ",") if len(header) == 1 and mark in header[0]), None)
        remedy = remedy if found is None else f"set `delimiter: {found!r}` in the mapping"
        raise refusal(place, f"the column {missing[0]!r} is missing", remedy)
    places = {column: number for number, column in enumerate(header)}
    wanted = [places.get(column, len(header)) for column in columns.names]
    # One index more than needed: with a single index, itemgetter returns no tuple.
    return cast("Callable[[list[str]], Cells]", itemgetter(*wanted, len(header)))


def _undecodable(path: Path, encoding: str) -> Exception:
    """Find the place of the first undecodable byte. Reads the file again, because buffering decoders lose the place."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, offset = 1, 0
    with open_log(path) as file:
        while True:
            chunk = file.read(_CHUNK)
            before = decoder.getstate()[0]
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                valid = error.object[: error.start]
                line += valid.decode(encoding, errors="replace").count("\n")
                offset += error.start - len(before)
                bad = error.object[error.start : error.start + 1].hex().upper()
                return refusal(f"{path.name}, line {line}, byte {offset}", *_advice(bad, error.object, line, encoding))
            except UnicodeError as error:
                return refusal(f"{path.name}, line {line}", str(error), "set `encoding` in the mapping")
            offset += len(chunk)
            if not chunk:
                return refusal(path.name, "changed while it was read", "import it again, unchanged")


def _advice(bad: str, around: bytes, line: int, encoding: str) -> tuple[str, str]:
    """Problem and remedy, with the likely encoding of the bytes."""
    likely = _likely(around, line)
    problem = f"0x{bad} is not {encoding.upper()}"
    if likely == encoding:
        return problem, "correct the bytes, or set another `encoding` in the mapping"
    return f"{problem}; likely {likely}", f"set `encoding: {likely}` in the mapping, or convert the file to UTF-8"


def _likely(around: bytes, line: int) -> str:
    if line == 1 and around.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        around.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data"
    else:
        cut = True
    if cut:
        return "utf-8"
    return "windows-1252"
