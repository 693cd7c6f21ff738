"""Every limit of docs/event-logs.md: what reaches it is read, one more is refused."""

from __future__ import annotations

import gzip
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
    ("name", "content", "beyond", "named"),
    [
        pytest.param("log.csv", header(10_000), header(10_001), "more than 10000 columns", id="columns"),
        pytest.param("log.csv", record(4_194_304), record(4_194_305), "more than 4194304 characters", id="record"),
        pytest.param(
            *("log.csv", "a,b\n1," + "x" * 1_048_576, "a,b\n1," + "x" * 1_048_577, "field limit (1048576)"), id="value"
        ),
        pytest.param(
            *("log.csv.gz", "a\n" + "x" * 1_048_575 + "\n", "a\n" + ("x" * 1_048_575 + "\n") * 64, "200 times"),
            id="unpacked",
        ),
    ],
)
def test_limits_of_csv(tmp_path: Path, name: str, content: str, beyond: str, named: str) -> None:
    rows_of(tmp_path, name, content)
    with pytest.raises(ConfigurationError) as raised:
        rows_of(tmp_path, name, beyond)
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
    ("content", "beyond", "named"),
    [
        pytest.param(
            trace(f"<event>{attributes(1_000)}</event>"),
            trace(f"<event>{attributes(1_001)}</event>"),
            "more than 1000 attributes",
            id="attributes of an event",
        ),
        pytest.param(
            trace(attributes(1_000)), trace(attributes(1_001)), "more than 1000 attributes", id="attributes of a trace"
        ),
        pytest.param(
            trace("<event/>" * 100_000), trace("<event/>" * 100_001), "a trace of more than 100000 events", id="events"
        ),
        pytest.param(
            trace(values(32, MEBIBYTE - 1)),
            trace(values(32, MEBIBYTE - 1) + "<event/>"),
            "a trace of more than 33554432 characters",
            id="held of a trace",
        ),
        pytest.param(trace(values(1, MEBIBYTE)), trace(values(1, MEBIBYTE + 1)), "1048576 characters", id="value"),
        pytest.param("<a>" * 100 + "</a>" * 100, "<a>" * 101 + "</a>" * 101, "nested deeper than 100", id="nesting"),
        pytest.param(names(10_000), names(10_001), "more than 10000 different names", id="names"),
        pytest.param(
            f"<log><!--{'x' * 8_000_000}--></log>",
            f"<log><!--{'x' * 9_000_000}--></log>",
            "a tag or comment of more than 8388608 bytes",
            id="comment",
        ),
    ],
)
def test_limits_of_xes(tmp_path: Path, content: str, beyond: str, named: str) -> None:
    rows_of(tmp_path, "log.xes", content)
    with pytest.raises(ConfigurationError) as raised:
        rows_of(tmp_path, "log.xes", beyond)
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
