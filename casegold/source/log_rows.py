"""Reads event logs (CSV or XES, also .gz) as rows of text, streaming. Not here: the meaning of columns (`mapping`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from casegold.source.log_csv import csv_rows
from casegold.source.log_file import refusal
from casegold.source.log_row import Columns, Form, Row
from casegold.source.log_xes import xes_rows


def read_rows(path: Path, columns: Columns, form: Form = Form()) -> Iterator[Row]:  # noqa: B008 - frozen
    """The rows of a log, in file order. Raises ConfigurationError naming file and line."""
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind == ".csv":
        return csv_rows(path, columns, form)
    if kind != ".xes":
        raise refusal(path.name, "is neither CSV nor XES", "name it .csv, .xes, .csv.gz or .xes.gz")
    if form != Form():
        problem = "is XES, which declares its own encoding and has no delimiter"
        raise refusal(path.name, problem, "take `encoding` and `delimiter` out of the mapping")
    return xes_rows(path, columns)
