"""Two public event logs, from file to figures, against counts taken from the files by other means."""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command

LOGS = Path(os.environ.get("EVENT_LOGS", REPOSITORY.parent / "shared" / "data"))
RECEIPT = LOGS / "receipt.csv"
ROAD = LOGS / "roadtraffic100traces.xes"
AMSTERDAM, ROME = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Europe/Rome")
MAPPINGS = REPOSITORY / "contracts" / "mappings"


RECEIPT_SETTINGS = {
    "time_zone": "Europe/Amsterdam",
    "first_date": "2010-10-02",
    "business_clock": "2012-01-24T00:00:00+01:00",
}
ROAD_SETTINGS = {
    "time_zone": "Europe/Rome",
    "first_date": "2000-03-14",
    "business_clock": "2013-04-25T00:00:00+02:00",
}


@pytest.fixture
def overrides(request: pytest.FixtureRequest) -> Mapping[str, str]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("overrides", [RECEIPT_SETTINGS], indirect=True, ids=["Amsterdam"])
@pytest.mark.skipif(not RECEIPT.exists(), reason=f"the public log receipt.csv is not in {LOGS}: set EVENT_LOGS")
def test_the_permit_receipts_become_official(settings: Settings) -> None:
    command("import-log", RECEIPT, "--mapping", MAPPINGS / "receipt.yaml")
    installation = Installation(settings)
    executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed

    events: dict[str, list[date]] = defaultdict(list)
    ended: dict[str, bool] = {}
    with RECEIPT.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time:timestamp"]).astimezone(AMSTERDAM)
            events[row["case:concept:name"]].append(at.date())
            ended[row["case:concept:name"]] = bool(row["case:enddate"])
    first, last = min(map(min, events.values())), max(map(max, events.values()))
    published = installation.published(SNAPSHOT)
    assert (published[0], published[-1], len(published)) == (first, last, (last - first).days + 1)
    for day in (first, date(2011, 3, 27), date(2011, 10, 30), date(2011, 12, 31), last):
        rows = installation.rows(SNAPSHOT, day, day)
        assert len(rows) == sum(min(dates) <= day for dates in events.values()), day
        closed = sum(row["status"] == "CLOSED" for row in rows)
        assert closed == sum(ended[case] and max(dates) <= day for case, dates in events.items()), day

    opened = Counter(min(dates).replace(day=1) for dates in events.values())
    figures = installation.rows(REPORT, date(2010, 10, 1), date(2012, 1, 1))
    reported = {
        row["report_month"]: int(row["value"])
        for row in figures
        if (row["dimension"], row["measure"]) == ("TOTAL", "OPENED")
    }
    assert reported == {month: count for month, count in opened.items() if month < last.replace(day=1)}


@pytest.mark.parametrize("overrides", [ROAD_SETTINGS], indirect=True, ids=["Rome"])
@pytest.mark.skipif(not ROAD.exists(), reason=f"the public log {ROAD.name} is not in {LOGS}: set EVENT_LOGS")
def test_thirteen_years_of_road_traffic_fines_become_official(settings: Settings) -> None:
    command("import-log", ROAD, "--mapping", MAPPINGS / "road-traffic.yaml")
    installation = Installation(settings)
    executed = installation.work()
    assert {execution.exit_class.name for execution in executed} == {"SUCCESS"}, executed

    name = "{http://www.xes-standard.org/}"
    fines: dict[str, list[tuple[date, str]]] = {}
    for trace in ElementTree.parse(ROAD).getroot().iter():  # noqa: S314 - the very file that was imported
        if trace.tag.removeprefix(name) != "trace":
            continue
        case = next(each.get("value") for each in trace if each.get("key") == "concept:name")
        fines[str(case)] = [_event(event) for event in trace if event.tag.removeprefix(name) == "event"]
    dates = [day for events in fines.values() for day, _ in events]
    first, last = min(dates), max(dates)
    published = installation.published(SNAPSHOT)
    assert (published[0], published[-1], len(published)) == (first, last, (last - first).days + 1)
    for day in (first, date(2004, 2, 29), date(2007, 12, 31), last):
        rows = installation.rows(SNAPSHOT, day, day)
        created = {case for case, events in fines.items() if any(d <= day and a == "Create Fine" for d, a in events)}
        assert {row["case_id"] for row in rows} == created, day
        penalties = {case for case in created if any(d <= day and a == "Add penalty" for d, a in fines[case])}
        assert {row["case_id"] for row in rows if row["escalation_level"] >= 1} >= penalties, day


def _event(event: ElementTree.Element) -> tuple[date, str]:
    values = {each.get("key"): str(each.get("value")) for each in event}
    at = datetime.fromisoformat(values["time:timestamp"]).astimezone(ROME)
    return at.date(), values["concept:name"]
