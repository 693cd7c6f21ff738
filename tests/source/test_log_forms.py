"""How logs are written: encodings, delimiters, decimals, line ends, decimals of seconds; what ingest would reject."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from casegold.cli.load import commands
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent
from casegold.source.import_log import Allowed, EventLog
from casegold.source.json_text import storable
from casegold.source.mapping import load_mapping
from tests.source.test_import_log import HEADER, MAPPING, ROWS, events_of

INPUTS = Path(__file__).parent / "inputs"
EXCEL = "a,start,2026-03-28 23:30:00,ann,\r\na,fine,2026-03-30 00:00:00,,10.50\r\n"
XES_MAPPING = MAPPING.replace("case: case", 'case: "case:id"')


def imported(folder: Path, content: str | bytes, mapping: str = MAPPING, name: str = "log.csv") -> list[CaseEvent]:
    log, rules = folder / name, folder / "mapping.yaml"
    log.write_bytes(content.encode() if isinstance(content, str) else content)
    rules.write_text(mapping)
    return events_of(log, rules)


def refused(folder: Path, content: str | bytes, mapping: str = MAPPING, name: str = "log.csv") -> str:
    with pytest.raises(ConfigurationError) as raised:
        imported(folder, content, mapping, name)
    return str(raised.value)


def command(*arguments: str) -> str:
    result = CliRunner().invoke(click.Group(commands=list(commands)), ["import-log", *arguments, "--dry-run"])
    if isinstance(result.exception, ConfigurationError):
        return str(result.exception)
    assert result.exception is None, result.exception
    return result.output


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEGOLD_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a,start,2026-03-28,a\0b,\n", "who: a NUL character"),
        ("a\0,start,2026-03-28,ann,\n", "case: 'a\\x00' is not a case id"),
        (f"{'a' * 257},start,2026-03-28,ann,\n", "is not a case id"),
        ("a,start,2026-03-28," + "x" * 257 + ",\n", "Expected `str` of length <= 256"),
        ("a,start,2026-03-28\0,ann,\n", "cannot be read"),
        ("a,start\0,2026-03-28,ann,\n", "is not mapped"),
    ],
)
def test_what_ingest_would_reject_is_refused_here(tmp_path: Path, row: str, named: str) -> None:
    said = refused(tmp_path, HEADER + ROWS + row)
    assert "log.csv, line 6: " in said
    assert named in said
    assert "\n  -> " in said


def test_a_nul_character_in_a_column_that_nothing_reads_is_no_matter(tmp_path: Path) -> None:
    assert len(imported(tmp_path, "note," + HEADER + "x\0y,a,start,2026-03-28,,\n")) == 1


def test_a_nul_character_of_a_mapping_is_refused(tmp_path: Path) -> None:
    assert "NUL character in name or source" in refused(tmp_path, HEADER, MAPPING + 'source: "a\\0"\n')
    said = refused(tmp_path, HEADER + ROWS, MAPPING.replace("caseType: A", 'caseType: "A\\0"'))
    assert "log.csv, line 2: caseType: a NUL character" in said


def test_a_nul_character_in_a_file_is_refused() -> None:
    said = command(str(INPUTS / "nul.csv"), "--mapping", str(INPUTS / "nul.yaml"))
    assert "nul.csv, line 2: who: a NUL character or a lone surrogate in 'a\\x00b'" in said
    assert "\n  -> take it out of the row" in said


def test_a_csv_of_excel_with_blank_last_lines() -> None:
    said = command(str(INPUTS / "blank_end.csv"), "--mapping", str(INPUTS / "nul.yaml"))
    assert "3 rows, 2 cases, 5 events, 2024-03-01 to 2024-03-02" in said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_are_no_rows(tmp_path: Path, end: str) -> None:
    text = HEADER.replace("\n", "\r\n") + EXCEL
    usual = imported(tmp_path, text)
    assert len(usual) == 4
    assert imported(tmp_path, text.replace("\r\n", end) + end * 3) == usual
    assert imported(tmp_path, text.replace("\r\n", end + end)) == usual


def test_a_line_of_empty_cells_is_a_row(tmp_path: Path) -> None:
    assert "log.csv, line 6: the column 'case' is empty" in refused(tmp_path, HEADER + ROWS + ",,,,\n")


@pytest.mark.parametrize("rows", [0, 30_000])
def test_bytes_that_are_not_utf_8_are_named(tmp_path: Path, rows: int) -> None:
    before = "a,start,2026-03-28,ann,10\n" * rows
    content = HEADER + before + "a,start,2026-03-28,Łu,10\n" + "b,start,2026-03-29,Zoë,\n"
    raw = content.encode().replace("ë".encode(), "ë".encode("cp1252"))
    byte = raw.index(bytes([0xEB]))
    said = refused(tmp_path, raw)
    assert f"log.csv, line {rows + 3}, byte {byte}: 0xEB is not UTF-8" in said
    assert "likely windows-1252" in said
    assert "set `encoding: windows-1252` in the mapping" in said


@pytest.mark.parametrize(
    ("encoding", "likely"), [("utf-16", "utf-16"), ("cp1252", "windows-1252"), ("latin-1", "windows-1252")]
)
def test_the_likely_encoding_reads_the_file(tmp_path: Path, encoding: str, likely: str) -> None:
    content = (HEADER + ROWS).replace("ann", "Zoë Müller")
    usual = imported(tmp_path, content)
    assert f"likely {likely}" in refused(tmp_path, content.encode(encoding))
    assert imported(tmp_path, content.encode(encoding), MAPPING + f"encoding: {likely}\n") == usual


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "mac_roman"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = (HEADER + ROWS).replace("ann", "Zoë")
    usual = imported(tmp_path, content)
    assert imported(tmp_path, content.encode(encoding), MAPPING + f"encoding: {encoding}\n") == usual


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    content = HEADER + ROWS
    assert imported(tmp_path, "\ufeff" + content) == imported(tmp_path, content)
    marked = ("\ufeff" + content).encode("utf-16-le")
    assert imported(tmp_path, marked, MAPPING + "encoding: utf-16-le\n") == imported(tmp_path, content)


def test_a_wrong_encoding_of_the_mapping_is_named(tmp_path: Path) -> None:
    content = (HEADER + ROWS).replace("ann", "Zoë")
    said = refused(tmp_path, content, MAPPING + "encoding: ascii\n")
    assert "line 2, byte" in said
    assert "is not ASCII; likely utf-8" in said
    assert "cut" not in said


@pytest.mark.parametrize("delimiter", [";", "\\t", "|"])
def test_a_delimiter(tmp_path: Path, delimiter: str) -> None:
    mark = "\t" if delimiter == "\\t" else delimiter
    text = (HEADER + ROWS).replace(",", mark)
    assert imported(tmp_path, text, MAPPING + f'delimiter: "{delimiter}"\n') == imported(tmp_path, HEADER + ROWS)
    said = refused(tmp_path, text)
    assert "log.csv, line 1: the column 'case' is missing" in said or "is missing" in said
    assert f"set `delimiter: {mark!r}` in the mapping" in said


def test_a_decimal_comma(tmp_path: Path) -> None:
    text = (HEADER + ROWS).replace(",", ";").replace("3.5E1", "35,5")
    comma = MAPPING + "delimiter: ';'\ndecimal: ','\n"
    assert '"penaltyAmount":"35.50"' in imported(tmp_path, text, comma)[4].data_json
    said = refused(tmp_path, text.replace("35,5", "1.035,50"), comma)
    assert "amount: '1.035,50' is not an amount" in said
    assert "set `decimal: ','` in the mapping" in refused(tmp_path, text, MAPPING + "delimiter: ';'\n")
    assert "set `decimal: '.'` in the mapping" in refused(tmp_path, text.replace("35,5", "35.5"), comma)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("encoding: nonsense", "'nonsense' is not a text encoding"),
        ("encoding: hex", "'hex' is not a text encoding"),
        ("encoding: undefined", "'undefined' is not a text encoding"),
        ("delimiter: ';;'", "cannot stand between fields"),
        ("delimiter: '\"'", "cannot stand between fields"),
        ("decimal: ';'", "decimal"),
        ("firstEvent: [" + "{type: BreachClockStarted}," * 98 + "]", "one row can make 101 events"),
    ],
)
def test_a_wrong_form_is_refused(tmp_path: Path, line: str, named: str) -> None:
    said = refused(tmp_path, HEADER + ROWS, MAPPING + line + "\n")
    assert "mapping.yaml" in said
    assert named in said


def test_a_mapping_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ConfigurationError, match=r"pipe.yaml: is not a regular file"):
        load_mapping(tmp_path / "pipe.yaml")


def test_two_changes_of_a_column_make_two_events_but_not_of_one_type(tmp_path: Path) -> None:
    two = "changes: [{column: who, type: EvidenceReceived, data: {evidenceId: {column: who}, kind: seen}}, "
    found = imported(tmp_path, HEADER + ROWS, MAPPING.replace("changes: [", two))
    assert [event.type.value for event in found if event.case_id == "b"] == [
        "CaseOpened",
        "EvidenceReceived",
        "CaseAssigned",
    ]
    twice = MAPPING.replace("changes: [", "changes: [{column: who, type: CaseAssigned, data: {assignee: x, team: y}}, ")
    assert "CaseAssigned of 'who' is given twice" in refused(tmp_path, HEADER + ROWS, twice)


def test_the_position_is_no_column_of_the_log(tmp_path: Path) -> None:
    said = refused(tmp_path, HEADER + ROWS, MAPPING.replace("case: case", 'case: "row:position"'))
    assert "row:position is not a column of the log" in said


def test_a_column_that_the_file_lacks_is_refused_unless_it_has_a_default(tmp_path: Path) -> None:
    header = HEADER.replace("amount", "sum")
    assert "line 1: the column 'amount' is missing" in refused(tmp_path, header + ROWS)
    mapping = MAPPING.replace("{column: amount}", "{column: amount, default: '1'}")
    assert '"penaltyAmount":"1.00"' in imported(tmp_path, header + ROWS, mapping)[4].data_json


@pytest.mark.parametrize(
    ("fraction", "lost"), [("123456", 0), ("123456000", 0), ("1234567", 1), ("000000001", 1), ("1234560001", 1)]
)
def test_digits_below_microseconds_are_counted(tmp_path: Path, fraction: str, lost: int) -> None:
    mapping = MAPPING + "firstEvent: [{type: BreachClockStarted, data: {deadlineAt: {column: when}}}]\n"
    for mark, times in ((".", 1), (",", 1)):
        cell = f'"2026-03-28T10:00:00{mark}{fraction}+01:00"'
        found = imported(tmp_path, f"{HEADER}a,start,{cell},,\nb,noise,2026-03-28 10:00:00,,\n", mapping)
        assert found[0].occurred_at.microsecond == int(fraction[:6])
        log = EventLog(tmp_path / "log.csv", load_mapping(tmp_path / "mapping.yaml"))
        assert len(list(log.check())) == 3 * times
        assert log.dropped == 2 * lost
        said = command(str(tmp_path / "log.csv"), "--mapping", str(tmp_path / "mapping.yaml"))
        assert (f"{2 * lost} times have more than six decimals" in said) == bool(lost)


def test_events_that_the_contract_does_not_let_in_are_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING)
    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    for time, named in (("1999-12-31T22:59:59Z", "before the first date"), (ahead, "so ingest would reject it")):
        log = tmp_path / "log.csv"
        log.write_text(f"{HEADER}a,start,2026-03-28,,\nb,start,{time},,\n")
        said = command(str(log), "--mapping", str(mapping))
        assert "log.csv, line 3: when: " in said
        assert named in said
        assert "firstDate and maxFuture" in said


def test_the_bounds_themselves_are_let_in(tmp_path: Path) -> None:
    instant = datetime(2026, 3, 28, 12, tzinfo=UTC)
    imported(tmp_path, f"{HEADER}a,start,{instant.isoformat()},,\n")
    rules = load_mapping(tmp_path / "mapping.yaml")
    step = timedelta(microseconds=1)
    assert len(list(EventLog(tmp_path / "log.csv", rules, Allowed(instant, instant)).check())) == 1
    for allowed in (Allowed(instant + step, instant + step), Allowed(instant - step, instant - step)):
        with pytest.raises(ConfigurationError, match="ingest would reject it"):
            list(EventLog(tmp_path / "log.csv", rules, allowed).check())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("<event/>", "line 1: an event outside a trace"),
        ("<trace><trace/></trace>", "line 1: a trace within a trace"),
        ("<trace>\n<event><string key='when' value='2026-03-28'/></event></trace>", "line 2: the column 'case:id' is"),
    ],
)
def test_xes_of_another_shape(tmp_path: Path, body: str, named: str) -> None:
    assert named in refused(tmp_path, f"<log>{body}</log>", XES_MAPPING, "log.xes")


def test_xes_says_its_encoding_itself(tmp_path: Path) -> None:
    said = refused(tmp_path, "<log/>", XES_MAPPING + "delimiter: ';'\n", "log.xes")
    assert "log.xes: is XES, which declares its own encoding" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_xes_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    attributes = "<string key='what' value='start'/><date key='when' value='2026-03-28'/>"
    trace = f"<trace><string key='id' value='Zoë'/><event>{attributes}<string key='who' value='ü'/></event></trace>"
    text = f"<?xml version='1.0' encoding='{encoding}'?><log>{trace}</log>"
    mapping = XES_MAPPING.replace(", penaltyAmount: {column: amount}, currency: EUR", "")
    found = imported(tmp_path, text.encode(encoding), mapping, "log.xes")
    assert [event.case_id for event in found] == ["Zoë", "Zoë"]


ZONES = ["Europe/Amsterdam", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Asia/Kolkata", "UTC"]


@given(
    zone=st.sampled_from(ZONES),
    instant=st.datetimes(datetime(1900, 1, 3), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    near=st.none() | st.integers(-90, 90),
)
def test_the_date_of_an_instant_is_the_one_whose_end_is_the_first_after_it(
    zone: str, instant: datetime, near: int | None
) -> None:
    calendar = BusinessCalendar(zone)
    if near is not None:
        instant = calendar.end_of(instant.date()) + timedelta(minutes=near)
    around = [instant.astimezone(ZoneInfo(zone)).date() + timedelta(days=days) for days in range(-3, 4)]
    assert calendar.date_of(instant) == next(day for day in around if instant < calendar.end_of(day))


@given(st.text(st.characters(), max_size=5))
def test_storable_is_what_utf_8_and_postgresql_can_hold(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        assert not storable(text)
    else:
        assert storable(text) == ("\0" not in text)
