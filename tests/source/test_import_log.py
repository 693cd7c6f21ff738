"""Event logs become the same events every time, or an error that names the row."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent
from casegold.domain.payload import read_instant
from casegold.source.import_log import EventLog
from casegold.source.jsonl import read_events, write_events
from casegold.source.log_row import Columns
from casegold.source.log_rows import read_rows
from casegold.source.mapping import load_mapping

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "contracts" / "mappings"
LOGS = Path(os.environ.get("EVENT_LOGS", ROOT.parent / "shared" / "data"))
MAPPING = """
name: test
timeZone: Europe/Amsterdam
columns: {case: case, activity: what, time: when}
activities:
  start: [{type: CaseOpened, data: {caseType: A, jurisdiction: N, priority: LOW}}]
  fine: [{type: DecisionIssued, data: {decision: FINE, penaltyAmount: {column: amount}, currency: EUR}}]
ignore: [noise]
changes: [{column: who, type: CaseAssigned, data: {assignee: {column: who}, team: T}}]
lastEvent: [{type: CaseClosed, of: [fine], data: {reason: end}}]
"""
ANY = Columns(("case",), frozenset())
HEADER = "case,what,when,who,amount\n"
ROWS = (
    "a,start,2026-03-28 23:30:00,ann,\n"
    "b,start,2026-03-29T01:00:00+01:00,bob,\n"
    "a,noise,2026-03-29 12:00:00,ann,\n"
    "a,fine,2026-03-30 00:00:00,,3.5E1\n"
)


def imported(folder: Path, rows: str = ROWS, mapping: str = MAPPING, header: str = HEADER) -> list[CaseEvent]:
    log, rules = folder / "log.csv", folder / "mapping.yaml"
    log.write_text(header + rows)
    rules.write_text(mapping)
    return events_of(log, rules)


def events_of(log: Path, mapping_file: Path) -> list[CaseEvent]:
    events = EventLog(log, load_mapping(mapping_file))
    checked = list(events.check())
    found = list(events.events())
    assert Counter(checked) == Counter((event.type, event.occurred_at) for event in found)
    return found


def test_interleaved_rows_become_events_in_trace_order(tmp_path: Path) -> None:
    found = [(event.case_id, event.sequence, event.type.value) for event in imported(tmp_path)]
    assert found == [
        ("a", 0, "CaseOpened"),
        ("a", 1, "CaseAssigned"),
        ("b", 0, "CaseOpened"),
        ("b", 1, "CaseAssigned"),
        ("a", 200, "DecisionIssued"),
        ("a", 201, "CaseClosed"),
    ]


def test_times_without_offset_are_in_the_mappings_zone(tmp_path: Path) -> None:
    first, _, second, *_, last = imported(tmp_path)
    assert first.occurred_at == read_instant("2026-03-28T22:30:00Z", "")
    assert second.occurred_at == read_instant("2026-03-29T00:00:00Z", "")
    assert last.occurred_at == read_instant("2026-03-29T22:00:00Z", "")


def test_amounts_are_exact(tmp_path: Path) -> None:
    assert '"penaltyAmount":"35.00"' in imported(tmp_path)[4].data_json


def test_importing_twice_gives_identical_events_also_from_gz(tmp_path: Path) -> None:
    first = imported(tmp_path)
    assert imported(tmp_path) == first
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    assert events_of(packed, tmp_path / "mapping.yaml") == first
    assert len({event.id for event in first}) == len(first)


def test_json_lines_hold_the_same_events(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert write_events(tmp_path / "events.jsonl", found) == len(found)
    assert list(read_events(tmp_path / "events.jsonl")) == found


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a,vanish,2026-03-28,,\n", "'vanish' is not mapped"),
        ("a,start,soon,,\n", "'soon' cannot be read"),
        ("a,start,2026-03-29 02:30:00,,\n", "does not exist"),
        ("a,start,1066-03-29,,\n", "1900-2999"),
        (",start,2026-03-29,,\n", "'case' is empty"),
        ("a,fine,2026-03-29,,1.234\n", "more than two decimals"),
        ("a,fine,2026-03-29,,much\n", "not an amount"),
        ("a,start\n", "2 fields"),
        ('a,"start\n', "line 6"),
    ],
)
def test_an_error_names_the_row(tmp_path: Path, row: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=r"log.csv, line 6: ") as raised:
        imported(tmp_path, ROWS + row)
    assert named in raised.value.message


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'when' is missing"):
        imported(tmp_path, header="case,what,time,who,amount\n")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("name: test", "name: test\nnames: x", "names"),
        ("Europe/Amsterdam", "Europe/Atlantis", "Atlantis"),
        ("type: CaseOpened", "type: CaseVanished", "CaseVanished"),
        ("type: CaseOpened", "type: CaseCorrected", "CaseCorrected"),
        ("priority: LOW", "prio: LOW", "priority"),
        ("ignore: [noise]", "ignore: [start]", "start"),
        ("ignore: [noise]", "ignore: [noise]\nignore: []", "twice"),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mapping\.yaml") as raised:
        imported(tmp_path, mapping=MAPPING.replace(old, new))
    assert named in raised.value.message


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><log>&b;</log>',
        '<!DOCTYPE l SYSTEM "file:///etc/passwd"><log/>',
        "<log><trace>",
        "not xml",
        '<log><trace><string key="a" value="1"/><string key="a" value="2"/></trace></log>',
    ],
)
def test_hostile_xml_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "log.xes"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"log.xes, line 1"):
        list(read_rows(file, ANY))


def test_a_damaged_gz_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "log.csv.gz"
    file.write_bytes(gzip.compress(ROWS.encode() * 100)[:-20])
    with pytest.raises(ConfigurationError, match="damaged"):
        list(read_rows(file, ANY))


def real(name: str) -> Path:
    if not (LOGS / name).exists():
        pytest.skip(f"{name} is not in {LOGS}; EVENT_LOGS names the directory of the public logs")
    return LOGS / name


def test_the_receipt_log() -> None:
    path = real("receipt.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = events_of(path, MAPPINGS / "receipt.yaml")
    counts = Counter(event.type.value for event in found)
    ended = {row["case:concept:name"] for row in rows if row["case:enddate"]}
    activities = Counter(row["concept:name"].split()[0] for row in rows)
    assert counts["CaseOpened"] == activities["Confirmation"] == 1434
    assert counts["CaseClosed"] == len(ended) == 1329
    assert counts["DecisionIssued"] == activities["T14"] + activities["T19"]
    assert counts["BreachClockPaused"] == activities["T08"]
    evidence = [row["concept:instance"] for row in rows if row["concept:name"].split()[0] not in _NOT_EVIDENCE]
    assert counts["EvidenceReceived"] == len(evidence)


_NOT_EVIDENCE = {"Confirmation", "T08", "T14", "T16", "T19"}


def test_the_road_traffic_log() -> None:
    path = real("roadtraffic100traces.xes")
    text = path.read_text()
    found = events_of(path, MAPPINGS / "road-traffic.yaml")
    counts = Counter(event.type.value for event in found)

    def named(activity: str) -> int:
        return text.count(f'key="concept:name" value="{activity}"')

    assert counts["CaseOpened"] == named("Create Fine") == 100
    assert counts["BreachClockPaused"] == named("Insert Fine Notification")
    assert counts["DecisionIssued"] == named("Add penalty")
    assert counts["CaseEscalated"] == named("Add penalty") + named("Send for Credit Collection")
    assert len({event.id for event in found}) == len(found)
