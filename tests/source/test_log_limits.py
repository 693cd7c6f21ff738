"""Every limit of docs/event-logs.md: what reaches it is read, one more is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from casegold.domain.errors import ConfigurationError
from casegold.domain.strict_yaml import read_yaml
from casegold.source.log_row import Columns
from casegold.source.log_rows import read_rows
from casegold.source.mapping import load_mapping
from tests.source.test_import_log import MAPPING

READ = Columns(("a",), frozenset())
MEBIBYTE = 1024 * 1024
Made = Callable[[int], str]
"""A file with so many of what is limited; made when it is needed, for some are large."""


def rows_of(folder: Path, name: str, content: str) -> int:
    path = folder / name
    path.write_bytes(gzip.compress(content.encode(), 1) if name.endswith(".gz") else content.encode())
    return sum(1 for _ in read_rows(path, READ))


def header(columns: int) -> str:
    return ",".join(f"c{number}" for number in range(columns)) + "\n"


def record(characters: int) -> str:
    """A record of so many characters, its line break included, in ten fields."""
    lacking = characters - 10
    return header(10) + ",".join(["x" * (lacking - lacking // 10 * 9), *["x" * (lacking // 10)] * 9]) + "\n"


@pytest.mark.parametrize(
    ("name", "made", "most", "named"),
    [
        pytest.param("log.csv", header, 10_000, "more than 10000 columns", id="columns"),
        pytest.param("log.csv", record, 4_194_304, "more than 4194304 characters", id="record"),
        pytest.param("log.csv", lambda size: "a,b\n1," + "x" * size, 1_048_576, "field limit (1048576)", id="value"),
        pytest.param(
            "log.csv.gz", lambda size: "a\n" + ("x" * 1_048_575 + "\n") * size, 63, "200 times", id="unpacked"
        ),
    ],
)
def test_limits_of_csv(tmp_path: Path, name: str, made: Made, most: int, named: str) -> None:
    rows_of(tmp_path, name, made(most))
    with pytest.raises(ConfigurationError) as raised:
        rows_of(tmp_path, name, made(most + 1))
    assert named in raised.value.message


def attributes(count: int) -> str:
    return "".join(f"<string key='k{number}' value=''/>" for number in range(count))


def trace(content: str) -> str:
    return f"<log><trace>{content}</trace></log>"


def values(count: int, characters: int) -> str:
    return f"<event><string key='a' value='{'x' * characters}'/></event>" * count


def names(count: int) -> str:
    """So many different names, of which the log's is one."""
    return "<log>" + "".join(f"<a{number}/>" for number in range(count - 1)) + "</log>"


@pytest.mark.parametrize(
    ("made", "most", "named"),
    [
        pytest.param(
            lambda size: trace(f"<event>{attributes(size)}</event>"),
            1_000,
            "more than 1000 attributes",
            id="of an event",
        ),
        pytest.param(lambda size: trace(attributes(size)), 1_000, "more than 1000 attributes", id="of a trace"),
        pytest.param(lambda size: trace("<event/>" * size), 100_000, "a trace of more than 100000 events", id="events"),
        pytest.param(
            lambda size: trace(values(32, MEBIBYTE - 1) + "<event/>" * size),
            0,
            "more than 33554432",
            id="held of a trace",
        ),
        pytest.param(lambda size: trace(values(1, size)), MEBIBYTE, "more than 1048576 characters", id="value"),
        pytest.param(lambda size: "<a>" * size + "</a>" * size, 100, "nested deeper than 100", id="nesting"),
        pytest.param(names, 10_000, "more than 10000 different names", id="names"),
        pytest.param(
            lambda size: f"<log><!--{'x' * 1_000_000 * size}--></log>", 8, "comment of more than 8388608", id="comment"
        ),
    ],
)
def test_limits_of_xes(tmp_path: Path, made: Made, most: int, named: str) -> None:
    rows_of(tmp_path, "log.xes", made(most))
    with pytest.raises(ConfigurationError) as raised:
        rows_of(tmp_path, "log.xes", made(most + 1))
    assert named in raised.value.message


def test_limits_of_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING.ljust(262_144, "#"))
    load_mapping(path)
    path.write_text(MAPPING.ljust(262_145, "#"))
    with pytest.raises(ConfigurationError, match="more than 262144 bytes"):
        load_mapping(path)
    read_yaml("[" * 50 + "]" * 50, "mapping.yaml")
    with pytest.raises(ConfigurationError, match="nested deeper than 50"):
        read_yaml("[" * 51 + "]" * 51, "mapping.yaml")
