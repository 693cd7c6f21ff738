"""Twelve official dates from many small ingests, with duplicates, conflicts, corrections, poison and a held fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.runtime.settings import Settings
from casegold.source.simulate import Plan
from tests.e2e.installation import Installation, command
from tests.history.story import send_late

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 18), date(2024, 2, 29)
PLAN = Plan(25, 12, 8, LAST, CALENDAR)
OVERRIDES: Mapping[str, str] = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
    "ingest_chunk_records": "20",
}
SILVER, REJECTED, BRONZE = "silver/case_events", "bronze/rejected_events", "bronze/case_events"


def build(settings: Settings) -> Installation:
    """Everything published, then a late fact that restates and one too late, which is held."""
    shares = ("--duplicates", 0.05, "--conflicting", 0.05, "--settled", "--poison", 0.05)
    size = ("--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST)
    command("simulate", *size, *shares)
    installation = Installation(settings)
    installation.work()
    send_late(settings, "late", date(2024, 2, 27), PLAN)
    send_late(settings, "too-late", date(2024, 2, 19), PLAN)
    installation.work()
    return installation


def rows(platform: Platform, dataset: str) -> pa.Table:
    """All rows of a table on main."""
    with engine(platform) as connection:
        platform.lake.register(connection, "all_rows", dataset)
        return connection.execute("select * from all_rows").to_arrow_table()


def differences(platform: Platform, before: pa.Table, after: pa.Table, without: str = "") -> int:
    """How many rows are in one of two tables only, counting each as often as it is there."""
    with engine(platform) as connection:
        names = [name for name in before.column_names if name != without]
        connection.register("before", before.select(names))
        connection.register("after", after.select(names))
        both = "(from before except all from after) union all (from after except all from before)"
        found = connection.execute(f"select count(*) from ({both})").fetchone()  # noqa: S608
    assert found is not None
    return int(found[0])


def drop(platform: Platform, dataset: str) -> None:
    """As a person does who takes it for another table."""
    platform.lake.catalog.drop_table(tuple(dataset.split("/")))


def local(location: str) -> Path:
    return Path(unquote(urlparse(location).path))
