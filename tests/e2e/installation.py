"""A whole installation in a test: commands as a user gives them, work without an orchestrator, figures as published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from casegold.cli.main import casegold
from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.control.versions import listing, official_state
from casegold.domain.errors import ExitClass
from casegold.domain.events import CaseCorrected, CaseEvent, Payload
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import Execution, run_until_idle
from tests.transform.oracle import Fact

SNAPSHOT = "gold/case_daily_snapshot"
REPORT = "reports/enforcement_report"
METRICS = "gold/breach_metrics"
PASSWORD = "correct horse battery"


def command(*arguments: object, expect: ExitClass = ExitClass.SUCCESS) -> str:
    """What `casegold ARGUMENTS` prints."""
    result = CliRunner().invoke(casegold, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == int(expect), result.output
    return result.output


class Installation:
    """The platform under test."""

    def __init__(self, settings: Settings) -> None:
        self.platform: Platform = open_platform(settings)

    def work(self) -> tuple[Execution, ...]:
        """Do everything that is due; what was executed."""
        return run_until_idle(self.platform).executions

    def rows(self, dataset: str, first: date, last: date, version: int | None = None) -> list[dict[str, Any]]:
        """Published rows of some partitions, read from the recorded files, in the order of the key."""
        paths = []
        with self.platform.control.write("by a test") as connection:
            for key in official_state.partition_states(connection, dataset, first, last):
                found = listing.partition_as_of(connection, dataset, key, version)
                paths += [row["file_path"] for row in listing.files(connection, dataset, found["version"], key)]
        with engine(self.platform) as connection:
            self.platform.lake.register_files(connection, "published", dataset, paths)
            rows = connection.table("published").to_arrow_table()
        order = [(name, "ascending") for name in self.platform.contracts[dataset].key]
        ordered: list[dict[str, Any]] = rows.sort_by(order).to_pylist()
        return ordered

    def published(self, dataset: str) -> list[date]:
        with self.platform.control.write("by a test") as connection:
            return list(official_state.partition_states(connection, dataset, date.min, date.max))

    def version_numbers(self, dataset: str) -> list[int]:
        return sorted(row["version"] for row in listing.versions(self.platform.control, dataset, 1000))


@contextmanager
def operator_and_steward(owner: ControlDb, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """An operator's and a steward's login, whose password commands find in the environment."""
    operator, steward = (f"{name}_{uuid4().hex[:8]}" for name in ("ann", "bob"))
    people.add(owner, operator, "casegold_operator", "ann", PASSWORD)
    people.add(owner, steward, "casegold_steward", "bob", PASSWORD)
    monkeypatch.setenv("CASEGOLD_PERSON_PASSWORD", PASSWORD)
    yield operator, steward
    for login in (operator, steward):
        people.remove(owner, login)


def facts_of(events: Iterable[CaseEvent]) -> list[Fact]:
    """Events as the oracle's facts; the first of an id stays in force."""
    found: dict[str, Fact] = {}
    for event in events:
        found.setdefault(event.id, _fact(event))
    return list(found.values())


def _fact(event: CaseEvent) -> Fact:
    common: dict[str, Any] = {"sequence": event.sequence, "source": event.source}
    if not isinstance(event.data, CaseCorrected):
        return Fact(event.id, event.type.value, event.case_id, event.occurred_at, _data(event.data), **common)
    moved = event.data.replacement
    return Fact(
        event.id,
        event.type.value,
        event.case_id,
        event.occurred_at,
        {} if moved is None else _data(moved.data),
        target=event.data.corrected_event_id,
        action=event.data.action.value,
        moved_to=None if moved is None else moved.occurred_at,
        **common,
    )


def _data(payload: Payload) -> dict[str, Any]:
    renamed = {"kind": "evidence_kind", "level": "escalation_level"}
    values = {renamed.get(name, name): getattr(payload, name) for name in payload.__struct_fields__}
    return {name: getattr(value, "value", value) for name, value in values.items() if value is not None}
