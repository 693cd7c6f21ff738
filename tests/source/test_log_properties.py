"""The fast path gives the events of the oracle, and accepts exactly the logs that ingest would take whole."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent
from casegold.source.import_log import Checked, EventLog
from casegold.source.mapping import load_mapping
from tests.source import log_oracle
from tests.source.test_import_log import real

MAPPING = """
name: random
timeZone: Europe/Amsterdam
columns: {case: "case:id", activity: what, time: when}
activities:
  start:
    - {type: CaseOpened, data: {caseType: {column: kind, default: K}, jurisdiction: N, priority: LOW}}
    - {type: BreachClockStarted, when: until, data: {deadlineAt: {column: until}}}
  fine: [{type: DecisionIssued, data: {decision: {column: kind, default: D}, penaltyAmount: {column: amount},
          currency: EUR}}]
  step: [{type: EvidenceReceived, data: {evidenceId: {column: "row:position"}, kind: {column: what}}},
         {type: CaseEscalated, of: [fine], data: {level: 1, reason: never}}]
ignore: [noise]
firstEvent: [{type: BreachClockStarted, of: [start, step], data: {allowanceSeconds: 5}}]
changes:
  - {column: who, type: CaseAssigned, data: {assignee: {column: who}, team: T}}
  - {column: who, type: EvidenceReceived, of: [step], data: {evidenceId: {column: who}, kind: seen}}
lastEvent:
  - {type: CaseClosed, of: [fine, step], data: {reason: {column: "case:why", default: done}}}
  - {type: EvidenceReceived, when: who, data: {evidenceId: {column: who}, kind: {column: "row:position"}}}
"""
T = TypeVar("T")
HEADER = ("case:id", "what", "when", "kind", "until", "amount", "who", "case:why", "unused")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)
TIMES = st.sampled_from(
    ["2026-03-28", "2026-03-29 03:30:00", "2026-03-29T01:00:00.123456789+01:00", "20260329T010203Z", " 2026-03-30 "]
)
ODD_TIMES = TIMES | st.sampled_from(["2026-03-29 02:30:00", "1899-12-31", "2999-12-31T23:59:59-05:00", "soon", ""])
ODD = TEXTS | st.sampled_from(["a\0b", "\0", "x" * 257, "\x1c", "\ufeff", "a\rb", "'", '"', ",", "=1+1"])
AMOUNTS = st.sampled_from(["", "1", "10.50", "3.5E1", "0.00"])
ODD_AMOUNTS = AMOUNTS | st.sampled_from(["1,5", "-1", "NaN", "sNaN", "1e400", "1.234", "9" * 17, "1_0"])


def rows(texts: st.SearchStrategy[str], times: st.SearchStrategy[str], amounts: st.SearchStrategy[str]):  # type: ignore[no-untyped-def]
    cases = st.sampled_from(["a", "b", "ü"]) | texts
    activities = st.sampled_from(["start", "fine", "step", "noise"])
    return st.lists(
        st.tuples(cases, activities, times, texts, st.just("") | times, amounts, texts, texts, texts), max_size=12
    )


GOOD = rows(TEXTS, TIMES, AMOUNTS)
BAD = rows(ODD, ODD_TIMES, ODD_AMOUNTS)


def as_csv(found: list[tuple[str, ...]], blank: list[int]) -> str:
    text = io.StringIO(newline="")
    # The writer leaves a carriage return without quotation marks, of which no reader makes one row again.
    returns = any("\r" in cell for row in found for cell in row)
    end = "\r\n" if len(blank) % 2 else "\n"
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)
    writer.writerow(HEADER)
    for number, row in enumerate(found):
        text.write("\n" * blank.count(number))
        writer.writerow(row)
    return text.getvalue() + "\r\n" * len(blank)


def as_xes(found: list[tuple[str, ...]], _blank: list[int]) -> str:
    """Rows of one case are brought together, for a trace is a case; empty cells are left out."""
    cases: dict[str, list[tuple[str, ...]]] = {}
    for row in found:
        cases.setdefault(row[0], []).append(row)
    traces = []
    for case_id, of_case in cases.items():
        attributes = [f'<string key="id" value={quoteattr(case_id)}/>']
        events = [
            f"<event>{''.join(_attribute(name, cell) for name, cell in zip(HEADER[1:], row[1:], strict=True) if cell)}"
            "</event>"
            for row in of_case
        ]
        # Attributes of a trace may follow its events.
        traces.append(
            f"<trace>{''.join([*attributes, *events] if len(events) % 2 else [*events, *attributes])}</trace>"
        )
    return f"<log>{''.join(traces)}</log>"


def _attribute(name: str, cell: str) -> str:
    return f"<string key={quoteattr(name)} value={quoteattr(cell)}><string key='within' value='not read'/></string>"


def run(suffix: str, content: str) -> tuple[list[CaseEvent] | str, list[Checked] | str, list[CaseEvent] | str]:
    """What the oracle, `check` and `events` say: events, or a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        log, rules = Path(folder, f"log{suffix}"), Path(folder, "mapping.yaml")
        log.write_bytes(content.encode())
        rules.write_text(MAPPING)
        mapping = load_mapping(rules)
        read = EventLog(log, mapping)
        counted = attempt(lambda: log_oracle.trace_lengths(log, mapping))
        oracle = attempt(lambda: list(log_oracle.log_events(log, mapping, log_oracle.trace_lengths(log, mapping))))
        checked = attempt(lambda: list(read.check()))
        assert isinstance(counted, str) or isinstance(checked, str) or read.rows == counted.total()
        return oracle, checked, checked if isinstance(checked, str) else attempt(lambda: list(read.events()))


def attempt(what: Callable[[], T]) -> T | str:
    try:
        return what()
    except ConfigurationError as error:
        return error.message


FORMS = pytest.mark.parametrize(("suffix", "form"), [(".csv", as_csv), (".xes", as_xes)])


@FORMS
@settings(max_examples=150, deadline=None)
@given(found=GOOD, blank=st.lists(st.integers(0, 12), max_size=4))
def test_the_same_events_in_the_same_order(
    suffix: str, form: Callable[[list[tuple[str, ...]], list[int]], str], found: list[tuple[str, ...]], blank: list[int]
) -> None:
    content = form(found, blank)
    assume(suffix == ".csv" or all(character.isprintable() for character in content))
    oracle, checked, events = run(suffix, content)
    if isinstance(oracle, str):
        assert isinstance(checked, str)
        return
    assert events == oracle
    assert isinstance(checked, list)
    assert Counter(checked) == Counter((event.type, event.occurred_at) for event in oracle)
    assert len(oracle) == len({event.id for event in oracle})


@settings(max_examples=300, deadline=None)
@given(found=BAD)
def test_accepted_is_what_ingest_would_take_whole(found: list[tuple[str, ...]]) -> None:
    oracle, checked, events = run(".csv", as_csv(found, []))
    if isinstance(oracle, list) and all(map(log_oracle.ingested, oracle)):
        assert events == oracle
    else:
        assert isinstance(checked, str)
        assert "log.csv, line " in checked


@pytest.mark.parametrize(
    ("log", "mapping"), [("receipt.csv", "receipt.yaml"), ("roadtraffic100traces.xes", "road-traffic.yaml")]
)
def test_the_same_events_of_public_logs(log: str, mapping: str) -> None:
    rules = load_mapping(Path(__file__).parents[2] / "contracts" / "mappings" / mapping)
    path = real(log)
    read = EventLog(path, rules)
    assert sum(1 for _ in read.check()) > 500
    oracle = list(log_oracle.log_events(path, rules, log_oracle.trace_lengths(path, rules)))
    assert list(read.events()) == oracle
