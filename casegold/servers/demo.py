"""The demo: in a fresh installation, sends events and watches a Dagster daemon turn them into official figures.

Not here: any step of that work. The demo only sends events and reads state; the daemon's sensors start all runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from casegold.control.db import ControlDb
from casegold.control.runs import listing
from casegold.control.versions import listing as version_listing
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ConfigurationError, SourceUnavailable, ValidationFailed
from casegold.domain.sql import query
from casegold.runtime.allow_list import refuse_undeclared
from casegold.runtime.settings import PREFIX, Settings, load_settings
from casegold.servers import dagster_home, local, stack
from casegold.source.import_log import EventLog
from casegold.source.mapping import load_mapping

ROOM = "casegold.servers"

LOOK_SECONDS = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """A fresh installation, and the events to send to it.

    The business clock is fixed at the end of `last`, so the same dates become official whenever the demo runs.
    """

    name: str
    time_zone: str
    first: date
    last: date
    feed: tuple[str, ...]
    """A casegold command that sends events and control totals."""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def environment(self, home: Path) -> dict[str, str]:
        """The settings of the installation, as variables."""
        clock = BusinessCalendar(self.time_zone).end_of(self.last)
        return {
            f"{PREFIX}HOME": str(home),
            f"{PREFIX}TIME_ZONE": self.time_zone,
            f"{PREFIX}FIRST_DATE": self.first.isoformat(),
            f"{PREFIX}BUSINESS_CLOCK": clock.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an act."""

    versions: list[dict[str, Any]]
    artifacts: list[str]
    seconds_to_publish: float
    """Seconds from the acknowledgement of the last control total to the last published version."""


def simulated_act(cases: int, seed: int) -> Act:
    """Sixty dates of simulated cases: January and February 2024, two whole months."""
    first, last = date(2024, 1, 1), date(2024, 2, 29)
    feed = ("simulate", "--cases", cases, "--days", 60, "--seed", seed, "--until", last, "--poison", 0.0005)
    return Act("simulated cases", "Europe/Amsterdam", first, last, tuple(map(str, feed)))


def log_act(log: Path, mapping_file: Path) -> Act:
    """A real event log, from its first to its last date, in its own time zone."""
    mapping = load_mapping(mapping_file)
    refuse_undeclared(load_settings(), mapping.source, f"{mapping_file}: source")
    calendar = BusinessCalendar(mapping.time_zone)
    dates = {calendar.date_of(event.occurred_at) for event in EventLog(log, mapping).check()}
    if not dates:
        raise ConfigurationError(f"{log}: the mapping yields no event", remedy=f"check {mapping_file}")
    feed = ("import-log", str(log), "--mapping", str(mapping_file))
    return Act(log.name, mapping.time_zone, min(dates), max(dates), feed)


def play(act: Act, home: Path, port: int, patience_seconds: float, say: Say) -> Result:
    """Play one act in a fresh installation. Ends its servers and its UI, keeps its data.

    Raises:
        ConfigurationError: the settings name external servers, which the demo must not touch.
        ValidationFailed: a run was held or failed, or not all was published in time.
    """
    for name in ("POSTGRES_URL", "KAFKA_BOOTSTRAP"):
        if f"{PREFIX}{name}" in os.environ:
            raise ConfigurationError(
                f"{PREFIX}{name} is set, but the demo deletes old data and starts its own servers",
                remedy=f"unset {PREFIX}{name}",
            )
    environment = act.environment(home)
    os.environ.update(environment)
    settings = load_settings()
    _begin_anew(settings)
    try:
        local.up(settings, say)
        dagster_home.make(settings)
        with stack.running(settings, port) as running:
            running.wait()
            say(f"Dagster UI: {running.url}")
            say(f"running: casegold {' '.join(act.feed)}")
            _feed(act, environment)
            fed_at = datetime.now(UTC)
            control = ControlDb(settings.control_url())
            _watch(control, settings, act, patience_seconds, say)
        return _result(control, fed_at)
    finally:
        local.down(settings)


def _begin_anew(settings: Settings) -> None:
    if settings.home.exists():
        stack.end(settings)
        local.down(settings)
        shutil.rmtree(settings.home)


def _feed(act: Act, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "casegold.cli.main", *act.feed]
    done = subprocess.run(command, env={**os.environ, **environment}, check=False)
    if done.returncode:
        raise SourceUnavailable(f"`casegold {act.feed[0]}` ended with {done.returncode}", remedy="its message is above")


def _watch(control: ControlDb, settings: Settings, act: Act, patience_seconds: float, say: Say) -> None:
    """Print progress until all is published, announced and shown in Dagster."""
    deadline = time.monotonic() + patience_seconds
    told = ""
    while True:
        stack.watch(settings)
        (row,) = control.rows(query(ROOM, "demo_progress"))
        text = (
            f"{row['records']:,} records ingested, {row['closed']} of {act.days} dates closed, "
            f"{row['snapshots']} snapshots and {row['reports']} reports published, {row['announced']} announced"
        )
        if text != told:
            say(text)
            told = text
        if row["failed"]:
            _refuse(control, f"{row['failed']} runs were held or failed")
        whole = row["closed"] == row["snapshots"] == act.days and row["reports"] == row["months"]
        if whole and row["unannounced"] == row["executing"] == 0:
            return
        if time.monotonic() > deadline:
            _refuse(control, f"not done after {patience_seconds:.0f} s: {text}")
        time.sleep(LOOK_SECONDS)


def _refuse(control: ControlDb, what: str) -> None:
    reasons = [f"{row['dataset']}: {row['state']} {row['message'] or ''}" for row in listing.runs(control, None, 10)]
    raise ValidationFailed(f"{what}\n" + "\n".join(reasons), remedy="`casegold runs` and `casegold holds` show more")


def _result(control: ControlDb, fed_at: datetime) -> Result:
    versions = version_listing.versions(control, None, 100)
    last = max(row["completed_at"] for row in versions)
    artifacts = [row["uri"] for row in control.rows(query(ROOM, "demo_artifacts"))]
    return Result(versions, artifacts, (last - fed_at).total_seconds())
