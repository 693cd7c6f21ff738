"""Twenty official dates, and two people who may change them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from casegold.control.changes import approvals, people
from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.events import CaseEvent
from casegold.runtime.settings import Settings
from casegold.source.simulate import Plan, simulate
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 10), date(2024, 2, 29)
BEYOND_GRACE = LAST - timedelta(days=12)
MADE_UP = Plan(60, 20, 3, LAST, CALENDAR)
PASSWORD = "correct horse battery"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def simulated() -> list[CaseEvent]:
    return [sent.event for sent in simulate(MADE_UP) if sent.event is not None]


@pytest.fixture
def installation(settings: Settings) -> Installation:
    """Twenty official dates and the report of their month."""
    command(
        "simulate", "--cases", 60, "--days", 20, "--seed", 3, "--until", LAST, "--duplicates", 0, "--out-of-order", 0
    )
    found = Installation(settings)
    found.work()
    assert found.version_numbers(SNAPSHOT) == found.version_numbers(REPORT) == [1]
    return found


@dataclass
class Folk:
    """Ann asks and plans, Bob approves; each command over a login of their own."""

    installation: Installation
    ann: str
    bob: str

    def open_request(self) -> str:
        """The one request that waits."""
        (found,) = approvals.requests(self.installation.platform.control, 10)
        return found.backfill_run_id

    def plan(self, request: str) -> str:
        """Let Ann plan a request; the digest."""
        command("backfill", "plan", request, "--as", self.ann)
        digest = approvals.find(self.installation.platform.control, request).plan_digest
        assert digest is not None
        return digest

    def approve(self, request: str) -> None:
        """Let Ann plan and Bob approve."""
        command("backfill", "approve", request, "--digest", self.plan(request), "--as", self.bob)

    def begin(self, request: str) -> str:
        """Plan, approve and begin to execute."""
        self.approve(request)
        return command("backfill", "execute", request)

    def ask(self, first: date, last: date, dataset: str = SNAPSHOT) -> str:
        """Ann's request for a backfill of a range."""
        command("backfill", "request", dataset, first, last, "--reason", "figures in doubt", "--as", self.ann)
        return self.open_request()


@pytest.fixture
def folk(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folk]:
    owner = ControlDb(installation.platform.settings.owner_url())
    monkeypatch.setenv("CASEGOLD_PERSON_PASSWORD", PASSWORD)
    names = {name: f"{name}_{uuid4().hex[:8]}" for name in ("ann", "bob")}
    people.add(owner, names["ann"], "casegold_operator", "ann", PASSWORD)
    people.add(owner, names["bob"], "casegold_steward", "bob", PASSWORD)
    yield Folk(installation, **names)
    for login in names.values():
        people.remove(owner, login)


def state_of(installation: Installation, request: str) -> str:
    return approvals.find(installation.platform.control, request).state


def expected(events: list[CaseEvent], last: date = LAST) -> list[dict[str, Any]]:
    return snapshots(facts_of(events), {day: CALENDAR.end_of(day) for day in days(FIRST, last)})
