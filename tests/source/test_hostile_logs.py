"""Files that are made to fill memory, to hang or to confuse: refused with exit code 40, in little memory, soon.

Each is imported by the command itself, in a process whose address space is limited: one byte too many would be seen.
"""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casegold.domain.errors import ExitClass

MEBIBYTE = 1024 * 1024
RESIDENT = 200 * MEBIBYTE
ADDRESSES = 1536 * MEBIBYTE
"""Of which Kafka's and Arrow's libraries take most by being loaded."""
SECONDS = 300
"""Until a command counts as hanging, on however busy a machine."""
MAPPING = """
name: hostile
timeZone: Europe/Amsterdam
columns: {case: "case:concept:name", activity: "concept:name", time: "time:timestamp"}
activities: {start: [{type: CaseOpened, data: {caseType: A, jurisdiction: N, priority: LOW}}]}
"""
CSV = b"case:concept:name,concept:name,time:timestamp\n"
ROW = b"a,start,2026-03-01T00:00:00Z\n"
XES = b"<log><trace><string key='concept:name' value='a'/>"
EVENT = b"<event><string key='concept:name' value='start'/><date key='time:timestamp' value='2026-03-01T00:00:00Z'/>"
SOME = 2_000_000
MANY = 3 * 10**8
"""Bytes unpacked: well beyond every bound, and still made in a second or two."""


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    block = piece * (MEBIBYTE // len(piece) + 1)
    for _ in range(size // len(block) + 1):
        yield block


def packed(path: Path, head: bytes, piece: bytes, size: int = MANY) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for block in repeated(piece, size):
            file.write(block)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def imported(folder: Path, log: Path, mapping: str | Path = MAPPING) -> tuple[int, str, int]:
    """Exit code, what was said, and the peak of memory in bytes."""
    rules = mapping if isinstance(mapping, Path) else written(folder / "mapping.yaml", mapping.encode())
    command = [
        *(sys.executable, "-c", _MEASURED),
        *("import-log", str(log), "--mapping", str(rules), "--dry-run"),
    ]
    environment = {**os.environ, "CASEGOLD_HOME": str(folder / "home"), "ARROW_DEFAULT_MEMORY_POOL": "system"}
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False, preexec_fn=_limit
    )
    *said, peak = ended.stderr.splitlines()
    return ended.returncode, "\n".join([*said, ended.stdout]), int(peak) * 1024


# Not getrusage: its peak begins with that of the process which started this one.
_MEASURED = """
import atexit, pathlib, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(status.read_text().split("VmHWM:")[1].split()[0], file=sys.stderr))
from casegold.cli.main import main
sys.exit(main())
"""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))


def refused(folder: Path, log: Path, named: str, mapping: str | Path = MAPPING) -> None:
    code, said, peak = imported(folder, log, mapping)
    assert code == ExitClass.CONFIGURATION, said[-2000:]
    assert named in said.replace("\n", " ")
    assert "->" in said, "no remedy"
    assert peak < RESIDENT, peak / MEBIBYTE


def test_a_sound_log_passes_under_the_same_limits(tmp_path: Path) -> None:
    rows = b"".join(b"c%d,start,2026-03-01T00:00:00Z\n" % number for number in range(10_000))
    code, said, peak = imported(tmp_path, written(tmp_path / "log.csv", CSV + rows))
    assert code == 0, said
    assert "10000 rows, 10000 cases, 10000 events" in said
    assert peak < RESIDENT


@pytest.mark.parametrize(
    ("head", "piece", "named"),
    [
        pytest.param(CSV, b"x", "a record of more than 4194304 characters", id="one endless line"),
        pytest.param(b"", b"x", "line 1: a record of more than", id="an endless header"),
        pytest.param(CSV + b'"', b"x\n", "field larger than field limit", id="an endless quoted field"),
        pytest.param(CSV, b'"x\n",', "a record of more than 4194304 characters", id="endless fields with line breaks"),
        pytest.param(CSV, b"\n", "unpacks to more than 200 times", id="endless blank lines"),
    ],
)
def test_endless_csv(tmp_path: Path, head: bytes, piece: bytes, named: str) -> None:
    refused(tmp_path, packed(tmp_path / "log.csv.gz", head, piece), named)


@pytest.mark.parametrize(
    ("head", "piece", "named"),
    [
        pytest.param(b"<log a='", b"x", "a tag or comment of more than 8388608 bytes", id="an endless value"),
        pytest.param(b"<log><!-- ", b"x> ", "a tag or comment of more than", id="an endless comment"),
        pytest.param(b"<log>", b"<a>", "nested deeper than 100", id="endless depth"),
        pytest.param(b"<log>", b" ", "unpacks to more than 200 times", id="endless text"),
        pytest.param(XES, b"<event/>", "a trace of more than 100000 events", id="endless events of a trace"),
        pytest.param(
            XES, b"<string key='concept:name' value='a'/>", "'case:concept:name' is given twice", id="attribute twice"
        ),
        pytest.param(
            XES,
            EVENT.replace(b"start", b"s" * 100_000) + b"</event>",
            "a trace of more than 33554432 characters",
            id="endless text of a trace",
        ),
    ],
)
def test_endless_xes(tmp_path: Path, head: bytes, piece: bytes, named: str) -> None:
    refused(tmp_path, packed(tmp_path / "log.xes.gz", head, piece), named)


def test_many_attributes_of_many_empty_events(tmp_path: Path) -> None:
    attributes = b"".join(b"<string key='k%d' value=''/>" % number for number in range(12_000))
    log = written(tmp_path / "log.xes", XES + attributes + b"<event/>" * 40_000 + b"</trace></log>")
    refused(tmp_path, log, "more than 1000 attributes of one event or trace")


def test_many_attributes_of_one_event(tmp_path: Path) -> None:
    attributes = b"".join(b"<string key='k%d' value=''/>" % number for number in range(1_001))
    log = written(tmp_path / "log.xes", XES + EVENT + attributes + b"</event></trace></log>")
    refused(tmp_path, log, "more than 1000 attributes of one event or trace")


def test_ever_new_names(tmp_path: Path) -> None:
    log = written(tmp_path / "log.xes", b"<log>" + b"".join(b"<a%d/>" % number for number in range(SOME)))
    refused(tmp_path, log, "more than 10000 different names")


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "utf-7", "shift_jis", "idna", "undefined", "x" * 100])
def test_an_encoding_that_the_parser_does_not_read(tmp_path: Path, encoding: str) -> None:
    log = written(tmp_path / "log.xes", f"<?xml version='1.0' encoding='{encoding}'?><log/>".encode())
    refused(tmp_path, log, "log.xes, line 1: ")


def test_an_entity_bomb(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    log = written(tmp_path / "log.xes", f'<!DOCTYPE l [<!ENTITY a0 "x">{entities}]><log>&a11;</log>'.encode())
    refused(tmp_path, log, "document type declaration")


@pytest.mark.parametrize("name", ["log.csv", "log.xes", "log.csv.gz"])
def test_a_pipe_that_nobody_writes_to(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    refused(tmp_path, tmp_path / name, "is not a regular file")


@pytest.mark.parametrize("name", ["log.csv", "log.xes"])
def test_a_link_to_an_endless_device(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    refused(tmp_path, tmp_path / name, "is not a regular file")


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "log.csv.gz").mkdir()
    code, said, _ = imported(tmp_path, tmp_path / "log.csv.gz")
    assert code != 0
    assert "is a directory" in said


def test_a_mapping_without_end(tmp_path: Path) -> None:
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    refused(tmp_path, written(tmp_path / "log.csv", CSV + ROW), "is not a regular file", tmp_path / "endless.yaml")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("a: x\n" * 100_000, "more than 262144 bytes", id="long"),
        pytest.param("".join(f"a{number}: x\n" for number in range(20_000)), "mapping.yaml", id="many keys"),
        pytest.param("[" * 200_000, "nested deeper than 50", id="deep"),
        pytest.param("- " * 100_000, "nested deeper than 50", id="deep in blocks"),
    ],
)
def test_a_hostile_mapping(tmp_path: Path, content: str, named: str) -> None:
    refused(tmp_path, written(tmp_path / "log.csv", CSV + ROW), named, content)
