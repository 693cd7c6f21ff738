"""An independent oracle of `import-log`: row by row, as plainly as it can be said, without bounds and caches.

A whole file in memory, one dictionary for each row, the standard library's parsers. Not for use outside tests.
"""

from __future__ import annotations

import csv
import gzip
import io
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import DEFAULT_SOURCE, CaseEvent, EventType
from casegold.domain.identity import canonical_instant
from casegold.domain.payload import Invalid, read_instant, read_payload
from casegold.source.codec import Encoding, KafkaRecord, decode, encode
from casegold.source.mapping import ColumnChange, FromColumn, Mapping, Rule


@dataclass(frozen=True, slots=True)
class LogRow:
    place: str
    values: dict[str, str]


def read_rows(path: Path) -> Iterator[LogRow]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.name.removesuffix(".gz").endswith(".xes"):
        yield from _xes_rows(content)
        return
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    header = next(reader)
    for row in reader:
        if row:
            yield LogRow(f"{path.name}, line {reader.line_num}", dict(zip(header, row, strict=True)))


def _xes_rows(content: bytes) -> Iterator[LogRow]:
    for trace in ElementTree.fromstring(content).iter("trace"):  # noqa: S314 - made by the tests
        of_trace = {f"case:{each.get('key')}": each.get("value", "") for each in trace if each.tag != "event"}
        for event in trace.iter("event"):
            yield LogRow("", {**of_trace, **{each.get("key", ""): each.get("value", "") for each in event}})


def ingested(event: CaseEvent) -> bool:
    """What ingest would say, by its own decoder, to the event as it is sent."""
    record = encode(event, Encoding.STRUCTURED, default_source=DEFAULT_SOURCE)
    kafka = KafkaRecord("t", 0, 0, datetime.now(UTC), record.key, record.value, record.headers)
    return decode(kafka, default_source=DEFAULT_SOURCE) == event


ROLES = 100
"""Room in `sequence` for the events of one row: sequence = position in the trace * 100 + role."""
POSITION = "row:position"
"""A column that every row has: its position in the trace, from 0."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:casegold:event-log")
_INTEGERS = frozenset({"level", "allowanceSeconds"})


@dataclass(slots=True)
class _Walk:
    """What is remembered of each case while its rows come, contiguous or not."""

    lengths: Counter[str]
    positions: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, int], str] = field(default_factory=dict)


def trace_lengths(path: Path, mapping: Mapping) -> Counter[str]:
    """Rows of each case: what tells a later pass which row is a case's last."""
    lengths = Counter[str]()
    for row in read_rows(path):
        lengths[_text(row, mapping.columns.case)] += 1
    return lengths


def log_events(path: Path, mapping: Mapping, lengths: Counter[str]) -> Iterator[CaseEvent]:
    """The events of a log in the file's order; the same file and mapping give the same events.

    Raises ConfigurationError naming the row of an unmapped activity, an unreadable time or value, a missing column.
    """
    walk = _Walk(lengths)
    for row in read_rows(path):
        case_id = _text(row, mapping.columns.case)
        if len(case_id) > 256 or "\0" in case_id:  # also where a row makes no event: the id names what is counted
            raise _refusal(row, f"{case_id!r} is not a case id", "correct the row")
        _time(row, mapping.columns.time, mapping)
        position = walk.positions[case_id]
        walk.positions[case_id] += 1
        row.values[POSITION] = str(position)
        for role, (name, rule) in enumerate(_rules(row, mapping, walk, case_id, position)):
            if _applies(row, mapping, rule):
                yield _event(row, mapping, rule, position * ROLES + role, f"{position}\n{name}")


def _rules(row: LogRow, mapping: Mapping, walk: _Walk, case_id: str, position: int) -> Iterator[tuple[str, Rule]]:
    """The rules that a row calls for, each with the name of its role, which is part of the id."""
    activity = _text(row, mapping.columns.activity)
    if position == 0:
        yield from _named("first", mapping.first_event)
    if activity in mapping.activities:
        yield from _named("activity", mapping.activities[activity])
    elif activity not in mapping.ignore:
        raise _refusal(row, f"the activity {activity!r} is not mapped", "add it under `activities` or `ignore`")
    for number, change in enumerate(mapping.changes):
        if _changed(row, change, walk, case_id, number):
            yield f"change {change.type} {change.column}", change
    if position + 1 == walk.lengths[case_id]:
        yield from _named("last", mapping.last_event)


def _applies(row: LogRow, mapping: Mapping, rule: Rule) -> bool:
    if rule.of is not None and _text(row, mapping.columns.activity) not in rule.of:
        return False
    return rule.when is None or bool(_column(row, rule.when))


def _named(role: str, rules: list[Rule]) -> Iterator[tuple[str, Rule]]:
    for number, rule in enumerate(rules):
        yield f"{role} {number} {rule.type}", rule


def _changed(row: LogRow, change: ColumnChange, walk: _Walk, case_id: str, number: int) -> bool:
    value = _column(row, change.column)
    key = (case_id, number)
    if not value or walk.values.get(key) == value:
        return False
    walk.values[key] = value
    return True


def _event(row: LogRow, mapping: Mapping, rule: Rule, sequence: int, role: str) -> CaseEvent:
    case_id, occurred = _text(row, mapping.columns.case), _time(row, mapping.columns.time, mapping)
    raw = {name: value for name, given in rule.data.items() if (value := _value(row, mapping, name, given)) is not None}
    try:
        data, data_json = read_payload(rule.type, raw)
    except Invalid as error:
        raise _refusal(row, f"{rule.type}: {error}", "correct the row, or the rule's data in the mapping") from error
    return CaseEvent(
        id=str(uuid.uuid5(_NAMESPACE, f"{mapping.name}\n{case_id}\n{role}")),
        type=EventType(rule.type),
        occurred_at=occurred,
        emitted_at=occurred,
        sequence=sequence,
        source=mapping.source,
        case_id=case_id,
        data_json=data_json,
        data=data,
    )


def _value(row: LogRow, mapping: Mapping, name: str, given: str | int | FromColumn) -> Any:
    """A field's value as the payload wants it; None for an empty column without a default."""
    if isinstance(given, int):
        return given
    text = given if isinstance(given, str) else _column(row, given.column) or given.default
    if text is None:
        return None
    place = given.column if isinstance(given, FromColumn) else name
    if name == "deadlineAt":
        return canonical_instant(_instant(row, place, text, mapping))
    if name in _INTEGERS:
        return _integer(row, place, text)
    return _amount(row, place, text) if name == "penaltyAmount" else text


def _integer(row: LogRow, column: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _refusal(row, f"{column}: {text!r} is not an integer", "correct the row") from error


def _amount(row: LogRow, column: str, text: str) -> str:
    """An amount as a plain decimal: logs write 35.0 and 3.5E1. Never rounded."""
    try:
        amount = Decimal(text)
        cents = amount.quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise _refusal(row, f"{column}: {text!r} is not an amount", "correct the row") from error
    if cents != amount:
        raise _refusal(row, f"{column}: {text!r} has more than two decimals", "correct the row")
    return str(cents)


def _column(row: LogRow, column: str) -> str:
    """The text of a column, perhaps empty. XES gives an attribute only where it has a value."""
    return row.values.get(column, "").strip()


def _text(row: LogRow, column: str) -> str:
    text = _column(row, column)
    if not text:
        missing = "is empty" if column in row.values else "is missing"
        raise _refusal(row, f"the column {column!r} {missing}", f"its columns: {', '.join(sorted(row.values))}")
    return text


def _time(row: LogRow, column: str, mapping: Mapping) -> datetime:
    return _instant(row, column, _text(row, column), mapping)


def _instant(row: LogRow, column: str, text: str, mapping: Mapping) -> datetime:
    """A time of the log as UTC; without an offset, in the mapping's zone, where it must exist exactly once."""
    try:
        parsed = datetime.strptime(text, mapping.time_format) if mapping.time_format else datetime.fromisoformat(text)  # noqa: DTZ007
        if parsed.tzinfo is None:
            parsed = _in_zone(parsed, mapping)
        return read_instant(parsed.astimezone(UTC).isoformat(), column)
    except (ValueError, OverflowError) as error:
        raise _refusal(
            row,
            f"{column}: the time {text!r} cannot be read: {error}",
            "set timeFormat in the mapping, or correct the row",
        ) from error


def _in_zone(naive: datetime, mapping: Mapping) -> datetime:
    local = naive.replace(tzinfo=mapping.zone)
    if local.astimezone(UTC).astimezone(mapping.zone).replace(tzinfo=None) != naive:
        raise ValueError(f"it does not exist in {mapping.time_zone}: the clocks were put forward")
    return local


def _refusal(row: LogRow, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{row.place}: {problem}", remedy=remedy)
