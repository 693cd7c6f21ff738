"""A run that is taken over goes on with what was staged; a file is written once, however often its run dies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from casegold.control.model import PartitionRange
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.failpoints import arm, has_fired
from casegold.jobs import snapshot
from casegold.runtime.settings import Settings
from casegold.source.simulate import Plan, simulate
from products.case_daily_snapshot import build
from tests.crash.restarts import let_time_pass
from tests.e2e.installation import SNAPSHOT, Installation, command, facts_of
from tests.transform.oracle import snapshots

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 20), date(2024, 2, 29)
PLAN = Plan(40, 10, 7, LAST, CALENDAR)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    clock = CALENDAR.end_of(LAST).isoformat()
    return {"time_zone": CALENDAR.zone_name, "first_date": FIRST.isoformat(), "business_clock": clock}


@pytest.fixture
def two_dates_a_chunk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PartitionRange]]:
    """The ranges whose rows are computed, in order."""
    computed: list[PartitionRange] = []
    rows = build.snapshot_rows

    def chunks(_: Any, partitions: PartitionRange) -> Iterator[tuple[date, date]]:
        every = list(days(partitions.first, partitions.last))
        yield from zip(every[::2], every[1::2], strict=True)

    def counted(connection: Any, first: date, last: date) -> Any:
        computed.append(PartitionRange(first, last))
        return rows(connection, first, last)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_chunks", chunks)
        patch.setattr(build, "snapshot_rows", counted)
        yield computed


def files(installation: Installation) -> int:
    root = installation.platform.lake.table(SNAPSHOT).location().removeprefix("file://")
    return len(list(Path(root, "data").rglob("*.parquet")))


def test_what_was_staged_is_not_computed_again(settings: Settings, two_dates_a_chunk: list[PartitionRange]) -> None:
    shares = ("--duplicates", 0, "--out-of-order", 0)
    command("simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST, *shares)
    installation = Installation(settings)
    control = installation.platform.control
    arm("stage-chunk.after:lost_ack@3")
    installation.work()
    assert has_fired()
    arm("")
    assert len(two_dates_a_chunk) == 3, "it broke after the third of five chunks"
    assert control.rows("select count(*) as chunks from staged_chunk") == [{"chunks": 3}]
    assert installation.published(SNAPSHOT) == []
    let_time_pass(control)
    installation.work()
    assert [each.first for each in two_dates_a_chunk] == list(days(FIRST, LAST))[::2], "each chunk once"
    assert files(installation) == len(list(days(FIRST, LAST))), "and each file"
    events = [sent.event for sent in simulate(PLAN) if sent.event is not None]
    ends = {day: CALENDAR.end_of(day) for day in days(FIRST, LAST)}
    assert installation.rows(SNAPSHOT, FIRST, LAST) == snapshots(facts_of(events), ends)
    assert control.rows("select from staged_chunk") == [], "forgotten when the run ends"
