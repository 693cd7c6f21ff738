"""Converts rows of an event log to case events, by a mapping: stable ids, two passes, memory for case ids only.

Invariant: ingest accepts every event from here, `decode(encode(event)) == event`. Events are built with the parts of
the codec (`read_payload`, `storable`, the limits of identifiers) and not encoded and decoded again, which would take
twice as long as all the rest; a property test compares the two ways.
Not here: reading files (`log_rows`), parsing the mapping (`mapping`), payloads (`log_rules`), sending.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

from casegold.domain.errors import ConfigurationError
from casegold.domain.events import MAX_IDENTIFIER, CaseEvent, EventType
from casegold.source.json_text import storable
from casegold.source.log_row import Cells
from casegold.source.log_rows import read_rows
from casegold.source.log_rules import Plan, Rules, Step
from casegold.source.log_values import Unfit, unreadable_time
from casegold.source.mapping import ROLES, Mapping

T = TypeVar("T")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:casegold:event-log")
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """The bounds of the contract: events from `earliest` to `latest`."""

    earliest: datetime = datetime(1900, 1, 1, tzinfo=UTC)
    latest: datetime = datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


class Checked(NamedTuple):
    """The result of checking an event: enough to count it."""

    type: EventType
    occurred_at: datetime


@dataclass(slots=True)
class _Waiting:
    """The latest row of a case, until the end of the file shows that it was the last."""

    line: int
    plan: Plan
    occurred: datetime
    role: int
    cells: Cells
    """The cells that `lastEvent` reads."""


@dataclass(slots=True)
class _Case:
    values: list[str]
    """The last non-empty value of each watched column."""
    rows: int = 0
    waiting: _Waiting | None = None


@dataclass(slots=True)
class _Pass:
    """One pass over the file. `lengths`: rows per case, if an earlier pass counted them."""

    lengths: dict[str, int] | None
    cases: dict[str, _Case] = field(default_factory=dict)
    line: int = 0
    dropped: int = 0


_Make = Callable[[_Pass, Step, str, int, int, datetime, Cells], T]
"""Builds the result of a pass for one event from its step, case id, position, role, time and cells. Raises Unfit."""


class EventLog:
    """A log and its mapping. Iterate over `check()` to its end first, then over `events()`.

    Both raise ConfigurationError naming the row of an unmapped activity, an unreadable time or value, a missing
    column, or an event that ingest would reject.
    """

    def __init__(self, path: Path, mapping: Mapping, allowed: Allowed | None = None) -> None:
        self._path, self._mapping, self._allowed = path, mapping, allowed or Allowed()
        self._rules = Rules(mapping)
        columns, slots = mapping.columns, self._rules.slots
        self._case, self._activity, self._time = (
            slots[column] for column in (columns.case, columns.activity, columns.time)
        )
        self._plans = self._rules.plans
        self._name = sha1(_NAMESPACE.bytes + f"{mapping.name}\n".encode(), usedforsecurity=False)
        self._lengths: dict[str, int] = {}
        self.dropped = 0
        """Number of times that lost digits below microseconds in the last pass."""

    @property
    def rows(self) -> int:
        return sum(self._lengths.values())

    @property
    def cases(self) -> int:
        return len(self._lengths)

    def check(self) -> Iterator[Checked]:
        """Every event. Those of `lastEvent` come at the end, because only then the last rows are known."""
        reading = _Pass(None)
        yield from self._read(reading, self._checked)
        self._lengths = {case_id: case.rows for case_id, case in reading.cases.items()}
        self.dropped = reading.dropped

    def events(self) -> Iterator[CaseEvent]:
        """The events in file order. The same file and mapping give the same events."""
        return self._read(_Pass(self._lengths), self._event)

    def _read(self, reading: _Pass, make: _Make[T]) -> Iterator[T]:
        try:
            for line, cells in read_rows(self._path, self._rules.columns, self._rules.form):
                reading.line = line
                yield from self._row(reading, cells, make)
            for case_id, case in reading.cases.items():
                if case.waiting is not None:
                    yield from self._last(reading, case_id, case.rows - 1, case.waiting, make)
        except Unfit as error:
            place = f"{self._path.name}, line {reading.line}"
            raise ConfigurationError(f"{place}: {error}", remedy=error.remedy) from error

    def _row(self, reading: _Pass, cells: Cells, make: _Make[T]) -> list[T]:
        case_id = (cells[self._case] or "").strip() or self._missing(cells, self._case)
        case = reading.cases.get(case_id) or self._new_case(reading, case_id)
        occurred = self._occurred(reading, cells)
        activity = (cells[self._activity] or "").strip() or self._missing(cells, self._activity)
        plan = self._plans.get(activity) or self._rules.plan(activity)
        position = case.rows
        case.rows = position + 1
        if self._rules.counts_positions:
            cells = (*cells[: len(self._rules.columns.names)], str(position))
        called, role = self._called(plan, case, position, cells)
        found = [
            make(reading, step, case_id, position, number, occurred, cells)
            for number, step in called
            if step.when is None or step.applies(cells)
        ]
        case.waiting = None
        if plan.last and (reading.lengths is None or reading.lengths.get(case_id) == case.rows):
            waiting = _Waiting(reading.line, plan, occurred, role, self._rules.of_last(cells))
            if reading.lengths is None:
                case.waiting = waiting
            else:
                found += self._last(reading, case_id, position, waiting, make)
        return found

    def _called(self, plan: Plan, case: _Case, position: int, cells: Cells) -> tuple[list[tuple[int, Step]], int]:
        """The steps for a row, each with its role, and the first role of `lastEvent`."""
        called = plan.called[position == 0].copy()
        role = plan.roles + (self._rules.first_roles if position == 0 else 0)
        for number, change in enumerate(plan.changes):
            value = (cells[change.slot] or "").strip()
            if value and value != case.values[number]:
                case.values[number] = value
                if change.step is not None:
                    called.append((role, change.step))
                role += 1
        return called, role

    def _new_case(self, reading: _Pass, case_id: str) -> _Case:
        if len(case_id) > MAX_IDENTIFIER or not storable(case_id):
            problem = f"{self._mapping.columns.case}: {case_id[:100]!r} is not a case id"
            raise Unfit(problem, f"give a text of 1 to {MAX_IDENTIFIER} characters without NUL characters")
        case = reading.cases[case_id] = _Case([""] * len(self._rules.changes))
        return case

    def _occurred(self, reading: _Pass, cells: Cells) -> datetime:
        text = (cells[self._time] or "").strip() or self._missing(cells, self._time)
        column = self._mapping.columns.time
        try:
            occurred, lost = self._rules.time(text)
        except (ValueError, OverflowError) as error:
            raise unreadable_time(column, text[:100], error) from error
        if not self._allowed.earliest <= occurred <= self._allowed.latest:
            early = occurred < self._allowed.earliest
            problem = f"before the first date: {self._allowed.earliest}" if early else f"after {self._allowed.latest}"
            raise Unfit(
                f"{column}: {text[:100]!r} is {problem}, so ingest would reject it",
                "correct the row, or firstDate and maxFuture of the contracts",
            )
        reading.dropped += lost
        return occurred

    def _last(self, reading: _Pass, case_id: str, position: int, waiting: _Waiting, make: _Make[T]) -> Iterator[T]:
        reading.line = waiting.line
        for step in waiting.plan.last:
            if step.applies(waiting.cells):
                role = waiting.role + step.role
                yield make(reading, step, case_id, position, role, waiting.occurred, waiting.cells)

    def _checked(
        self, reading: _Pass, step: Step, _case: str, _position: int, _role: int, occurred: datetime, cells: Cells
    ) -> Checked:
        reading.dropped += step.payload(cells)[2]
        return Checked(step.type, occurred)

    def _event(
        self, reading: _Pass, step: Step, case_id: str, position: int, role: int, occurred: datetime, cells: Cells
    ) -> CaseEvent:
        data, data_json, dropped = step.payload(cells)
        if dropped:
            reading.dropped += dropped
        return CaseEvent(
            source=self._mapping.source,
            id=self._id(f"{case_id}\n{position}\n{step.name}"),
            type=step.type,
            case_id=case_id,
            occurred_at=occurred,
            emitted_at=occurred,
            data=data,
            data_json=data_json,
            sequence=position * ROLES + role,
        )

    def _id(self, role: str) -> str:
        """`uuid.uuid5` of the log's name and the role, three times faster."""
        digest = self._name.copy()
        digest.update(role.encode())
        text = digest.hexdigest()
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANTS[text[16]]}{text[17:20]}-{text[20:32]}"

    def _missing(self, cells: Cells, slot: int) -> NoReturn:
        missing = "is missing" if cells[slot] is None else "is empty"
        problem = f"the column {self._rules.columns.names[slot]!r} {missing}"
        raise Unfit(problem, "correct the row, or name another column in the mapping")
