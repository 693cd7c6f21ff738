"""What the columns and activities of an event log mean as case events: a declarative file, read strictly.

Not here: reading logs (`log_rows`) and walking through them (`import_log`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import DEFAULT_SOURCE, PAYLOADS, EventType
from casegold.domain.strict_yaml import read_yaml

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class _Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    pass


class FromColumn(_Part, frozen=True):
    """The text of a column; `default` where it is empty. Read as the type of the field that it fills."""

    column: Name
    default: str | None = None


class Rule(_Part, frozen=True):
    """One event to derive from a row.

    `when` names a column that must not be empty for it; `of` the activities that alone call for it.
    """

    type: EventType
    data: dict[str, str | int | FromColumn] = {}
    when: Name | None = None
    of: frozenset[str] | None = None


class ColumnChange(Rule, frozen=True, kw_only=True):
    """An event whenever a column's value within a case differs from the last one that was not empty."""

    column: Name


class Columns(_Part, frozen=True):
    case: Name
    activity: Name
    time: Name


class Mapping(_Part, frozen=True, kw_only=True):
    """A log's meaning. `name` is part of every event id: the same log must keep it.

    Of one row the events come in this order: first event of the case, its activity's, changed columns, last event.
    """

    name: Name
    time_zone: Name
    columns: Columns
    activities: dict[str, list[Rule]]
    source: Name = DEFAULT_SOURCE
    time_format: str | None = None
    """`strptime` format of the times; without it they are ISO 8601. Times without an offset are in `time_zone`."""
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


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. Raises ConfigurationError naming file, field and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
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
            f"{path}: timeZone: {mapping.time_zone!r} is no time zone", remedy="give a name such as Europe/Amsterdam"
        ) from error
    both = sorted(mapping.ignore & mapping.activities.keys())
    if both:
        raise ConfigurationError(f"{path}: ignore: {both[0]!r} is mapped, too", remedy="keep it in one of the two")
    for rule in mapping.rules():
        _check_fields(rule, path)


def _check_fields(rule: Rule, path: Path) -> None:
    if rule.type is EventType.CASE_CORRECTED:
        raise ConfigurationError(f"{path}: a log cannot hold CaseCorrected", remedy="use another type")
    known = {field.encode_name: field.required for field in msgspec.structs.fields(PAYLOADS[rule.type])}
    missing = sorted(name for name, required in known.items() if required and name not in rule.data)
    unknown = sorted(rule.data.keys() - known.keys())
    if missing or unknown:
        wrong = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is unknown"
        raise ConfigurationError(f"{path}: data of {rule.type}: {wrong}", remedy=f"its fields: {', '.join(known)}")
