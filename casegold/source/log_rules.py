"""A mapping compiled for one log: the rules that apply to an activity, and payloads from cells.

Not here: iterating over the rows (`import_log`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from casegold.domain.events import PAYLOADS, EventType, Payload
from casegold.domain.identity import canonical_instant
from casegold.domain.payload import Invalid, fields_of, read_payload
from casegold.source.json_text import storable
from casegold.source.log_row import Cells, Columns, Form
from casegold.source.log_values import Unfit, amount, integer, time_reader, unreadable_time
from casegold.source.mapping import POSITION, FromColumn, Mapping, Rule

_INTEGERS, _INSTANTS, _AMOUNTS = (
    frozenset(name for kind in PAYLOADS.values() for name in fields_of(kind, wanted))
    for wanted in (int, datetime, Decimal)
)
_FIELDS = {field.encode_name for kind in PAYLOADS.values() for field in msgspec.structs.fields(kind)}
_PLAIN = _FIELDS - _INTEGERS - _INSTANTS - _AMOUNTS
_CACHED = 4_096
"""Size of the payload cache: most rules produce the same few payloads over and over."""
Made = tuple[Payload, str, int]
"""A payload, its canonical JSON, and how many of its times lost digits below microseconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rule with its position: `role` among the events of its part of the row, and `name`, a part of the event id."""

    role: int
    name: str
    type: EventType
    when: int | None
    payload: Callable[[Cells], Made]

    def applies(self, cells: Cells) -> bool:
        return self.when is None or bool((cells[self.when] or "").strip())


@dataclass(frozen=True, slots=True)
class Change:
    """A watched column, and the step to take when it changes; None: the rule does not apply to the activity."""

    slot: int
    step: Step | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps for rows of one activity."""

    called: tuple[list[tuple[int, Step]], list[tuple[int, Step]]]
    """Steps with their roles. The second list is for the first row of a case and begins with those of `firstEvent`."""
    roles: int
    """The number of the activity's rules, including those that do not apply; the roles of changes follow them."""
    changes: tuple[Change, ...]
    last: tuple[Step, ...]


class Rules:
    """A mapping compiled to the columns that it reads."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        columns = mapping.columns
        read = dict.fromkeys((columns.case, columns.activity, columns.time, *_columns(mapping)))
        self.counts_positions = read.pop(POSITION, self) is None
        self.columns = Columns(tuple(read), frozenset(mapping.required_columns()) - {POSITION})
        self.form = Form(mapping.encoding or "utf-8", mapping.delimiter or ",")
        self.slots = {column: slot for slot, column in enumerate((*read, POSITION))}
        self.time = time_reader(mapping)
        # Only the cells of a case's latest row that `lastEvent` reads are kept. Two extra indexes make it a tuple.
        last = dict.fromkeys(_cells_of(mapping.last_event))
        self.of_last = itemgetter(*(self.slots[column] for column in last), 0, 0)
        last_slots = {column: slot for slot, column in enumerate(last)}
        self._slots_of = {id(rule): self.slots for rule in mapping.rules()}
        self._slots_of |= {id(rule): last_slots for rule in mapping.last_event}
        self._made_of = lru_cache(_CACHED)(self._make)
        self._constants = lru_cache(None)(self._read_constants)
        self._rules = mapping.rules()
        self._given = [
            [(name, given) for name, given in rule.data.items() if isinstance(given, FromColumn)]
            for rule in self._rules
        ]
        self._payloads = {id(rule): self._payload(number, rule) for number, rule in enumerate(self._rules)}
        self.changes = tuple(self.slots[change.column] for change in mapping.changes)
        self.first_roles = len(mapping.first_event)
        self.plans: dict[str, Plan] = {}

    def plan(self, activity: str) -> Plan:
        """The plan of an activity. Raises Unfit if the mapping does not know it."""
        plan = self.plans.get(activity)
        if plan is None:
            plan = self.plans[activity] = self._made(activity)
        return plan

    def _made(self, activity: str) -> Plan:
        mapping = self._mapping
        if activity not in mapping.activities and activity not in mapping.ignore:
            problem = f"the activity {activity[:300]!r} is not mapped"
            raise Unfit(problem, "add it under `activities` or `ignore`")
        rules = mapping.activities.get(activity, [])
        first, own = self._steps("first", mapping.first_event, activity), self._steps("activity", rules, activity)
        after = [(self.first_roles + step.role, step) for step in own]
        return Plan(
            called=([(step.role, step) for step in own], [(step.role, step) for step in first] + after),
            roles=len(rules),
            changes=tuple(
                Change(slot, self._step(0, f"change {change.type} {change.column}", change, activity))
                for slot, change in zip(self.changes, mapping.changes, strict=True)
            ),
            last=self._steps("last", mapping.last_event, activity),
        )

    def _steps(self, part: str, rules: list[Rule], activity: str) -> tuple[Step, ...]:
        steps = (
            self._step(number, f"{part} {number} {rule.type}", rule, activity) for number, rule in enumerate(rules)
        )
        return tuple(step for step in steps if step is not None)

    def _step(self, role: int, name: str, rule: Rule, activity: str) -> Step | None:
        if rule.of is not None and activity not in rule.of:
            return None
        when = None if rule.when is None else self._slots_of[id(rule)][rule.when]
        return Step(role, name, rule.type, when, self._payloads[id(rule)])

    def _payload(self, number: int, rule: Rule) -> Callable[[Cells], Made]:
        """A function from cells to the payload of a rule, cached, because the payload depends on nothing else."""
        slots, made = self._slots_of[id(rule)], self._made_of
        read = [slots[given.column] for _, given in self._given[number]]
        if not read:
            return lambda _cells: made(number, ())
        # The first index twice: with a single index, itemgetter returns no tuple.
        pick = itemgetter(*read, read[0])
        return lambda cells: made(number, pick(cells))

    def _make(self, number: int, cells: Cells) -> Made:
        """The payload of a rule from the cells that it reads, in rule order. Raises Unfit."""
        rule = self._rules[number]
        constants, dropped = self._constants(number)
        raw = constants.copy()
        for (name, given), cell in zip(self._given[number], cells, strict=False):
            text = (cell or "").strip() or given.default
            if text is None:
                continue
            if name in _PLAIN and storable(text):
                raw[name] = text
            else:
                raw[name], lost = self._value(name, given.column, text)
                dropped += lost
        try:
            return *read_payload(rule.type, raw), dropped
        except Invalid as error:
            raise Unfit(f"{rule.type}: {error}", "correct the row, or the rule's data in the mapping") from error

    def _read_constants(self, number: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        dropped = 0
        for name, given in self._rules[number].data.items():
            if isinstance(given, str):
                values[name], lost = self._value(name, name, given)
                dropped += lost
            elif isinstance(given, int):
                values[name] = given
        return values, dropped

    def _value(self, name: str, place: str, text: str) -> tuple[str | int, bool]:
        """The value of a field in the type of the payload, and whether a time lost digits."""
        if not storable(text):
            # The same rule as in the codec: otherwise ingest would reject the event.
            raise Unfit(f"{place}: a NUL character or a lone surrogate in {text[:100]!r}", "take it out of the row")
        if name in _PLAIN:
            return text, False
        if name in _INSTANTS:
            try:
                instant, lost = self.time(text)
            except (ValueError, OverflowError) as error:
                raise unreadable_time(place, text[:100], error) from error
            return canonical_instant(instant), lost
        return (integer(place, text) if name in _INTEGERS else amount(place, text, self._mapping.decimal)), False


def _columns(mapping: Mapping) -> list[str]:
    return [*(change.column for change in mapping.changes), *_cells_of(mapping.rules())]


def _cells_of(rules: Sequence[Rule]) -> list[str]:
    found: list[str] = []
    for rule in rules:
        found += [given.column for given in rule.data.values() if isinstance(given, FromColumn)]
        found += [] if rule.when is None else [rule.when]
    return found
