"""The mapping of an event log to case events: a declarative file for columns and activities, read strictly.

Not here: reading logs (`log_rows`) and iterating over them (`import_log`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import DEFAULT_SOURCE, PAYLOADS, EventType
from casegold.domain.strict_yaml import read_yaml
from casegold.source.json_text import storable
from casegold.source.log_file import read_small

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
MAX_BYTES = 256 * 1024
"""Maximum size of a mapping file."""
ROLES = 100
"""Maximum number of events per row: sequence = position in the trace * 100 + role."""
POSITION = "row:position"
"""A virtual column of every row: its position in the trace, from 0."""


class _Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    pass


class FromColumn(_Part, frozen=True):
    """The text of a column, or `default` if it is empty, converted to the type of the field."""

    column: Name
    default: str | None = None


class Rule(_Part, frozen=True):
    """One event to derive from a row.

    `when` names a column that must not be empty; `of` limits the rule to some activities.
    """

    type: EventType
    data: dict[str, str | int | FromColumn] = {}
    when: Name | None = None
    of: frozenset[str] | None = None


class ColumnChange(Rule, frozen=True, kw_only=True):
    """An event whenever the value of a column within a case differs from the last non-empty one."""

    column: Name


class Columns(_Part, frozen=True):
    case: Name
    activity: Name
    time: Name


class Mapping(_Part, frozen=True, kw_only=True):
    """The mapping of a log. `name` is part of every event id: the same log must keep it.

    The events of a row have this order: first event of the case, events of the activity, changed columns, last event.
    """

    name: Name
    time_zone: Name
    columns: Columns
    activities: dict[str, list[Rule]]
    source: Name = DEFAULT_SOURCE
    time_format: str | None = None
    """`strptime` format of the times; None: ISO 8601. Times without an offset are in `time_zone`."""
    encoding: str | None = None
    """Encoding of a CSV file; None: UTF-8."""
    delimiter: str | None = None
    """Field delimiter of a CSV file; None: a comma."""
    decimal: Literal[".", ","] = "."
    """The decimal separator of amounts."""
    ignore: frozenset[str] = frozenset()
    first_event: list[Rule] = []
    last_event: list[Rule] = []
    changes: list[ColumnChange] = []

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def rules(self) -> list[Rule]:
        return [rule for found in self.activities.values() for rule in found] + [
            *self.first_event,
            *self.last_event,
            *self.changes,
        ]

    def required_columns(self) -> Iterator[str]:
        """All columns except those with a default."""
        yield from (self.columns.case, self.columns.activity, self.columns.time)
        yield from (change.column for change in self.changes)
        for rule in self.rules():
            if rule.when is not None:
                yield rule.when
            for given in rule.data.values():
                if isinstance(given, FromColumn) and given.default is None:
                    yield given.column


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. Raises ConfigurationError naming file, field and remedy."""
    try:
        text = read_small(path, MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the mapping {path}: {error}", remedy="name a readable file") from error
    try:
        mapping = msgspec.convert(read_yaml(text, str(path)).value, Mapping)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}", remedy="docs/event-logs.md lists the fields") from error
    _check(mapping, path)
    return mapping


def _check(mapping: Mapping, path: Path) -> None:
    try:
        ZoneInfo(mapping.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{path}: timeZone: {mapping.time_zone!r} is not a time zone", remedy="give a name such as Europe/Amsterdam"
        ) from error
    both = sorted(mapping.ignore & mapping.activities.keys())
    if both:
        raise ConfigurationError(f"{path}: ignore: {both[0]!r} is mapped, too", remedy="keep it in one of the two")
    _check_form(mapping, path)
    _check_rules(mapping, path)
    for rule in mapping.rules():
        _check_fields(rule, path)


def _check_form(mapping: Mapping, path: Path) -> None:
    try:
        b"ab".decode(mapping.encoding or "utf-8")
    except UnicodeDecodeError:  # the encoding exists, and the two bytes are half a character
        pass
    except (LookupError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: encoding: {mapping.encoding!r} is not a text encoding", remedy="give a name such as windows-1252"
        ) from error
    mark = mapping.delimiter
    if mark is not None and (len(mark) != 1 or mark in '"\r\n\0'):
        raise ConfigurationError(
            f"{path}: delimiter: {mark!r} cannot stand between fields", remedy="give one character, as ';' or \"\\t\""
        )
    if not storable(mapping.source) or not storable(mapping.name):
        raise ConfigurationError(f"{path}: a NUL character in name or source", remedy="take it out")


def _check_rules(mapping: Mapping, path: Path) -> None:
    """Check that the events of a row get different ids and different values of `sequence`."""
    named = [(change.type, change.column) for change in mapping.changes]
    twice = [f"{kind} of {column!r}" for kind, column in named if named.count((kind, column)) > 1]
    if twice:
        raise ConfigurationError(f"{path}: changes: {twice[0]} is given twice", remedy="keep one of them")
    if POSITION in (mapping.columns.case, mapping.columns.activity, mapping.columns.time):
        raise ConfigurationError(f"{path}: columns: {POSITION} is not a column of the log", remedy="name another")
    most = max(map(len, mapping.activities.values()), default=0)
    events = len(mapping.first_event) + most + len(mapping.changes) + len(mapping.last_event)
    if events > ROLES:
        raise ConfigurationError(f"{path}: one row can make {events} events", remedy=f"at most {ROLES} are possible")


def _check_fields(rule: Rule, path: Path) -> None:
    if rule.type is EventType.CASE_CORRECTED:
        raise ConfigurationError(f"{path}: a log cannot hold CaseCorrected", remedy="use another type")
    known = {field.encode_name: field.required for field in msgspec.structs.fields(PAYLOADS[rule.type])}
    missing = sorted(name for name, required in known.items() if required and name not in rule.data)
    unknown = sorted(rule.data.keys() - known.keys())
    if missing or unknown:
        wrong = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is unknown"
        raise ConfigurationError(f"{path}: data of {rule.type}: {wrong}", remedy=f"its fields: {', '.join(known)}")
