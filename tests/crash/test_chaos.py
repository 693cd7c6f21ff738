"""Chaos over a real `casegold dev`: random kills, freezes and stops, servers and supervisor included, under a feed.

`make chaos N=200 SEED=7` chooses how many, and what is drawn; what is under way at an instant differs all the same.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from casegold.domain.calendar import BusinessCalendar
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings, load_settings
from casegold.source.simulate import Plan
from tests.crash.chaos.faults import Faults
from tests.crash.chaos.feed import Feed
from tests.crash.chaos.tree import Tree
from tests.crash.chaos.verdict import assert_all_agrees, wait_until_done

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 18), date(2024, 2, 29)
PLAN = Plan(40, 12, 9, LAST, CALENDAR)
FAULTS = int(os.environ.get("CHAOS_FAULTS", "8"))
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
STARTING_SECONDS = 300.0

SETTINGS = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
    "ingest_chunk_records": "150",
}


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home of its own, without any server yet. What a failed test leaves there is kept, to be looked at."""
    home = Path(os.environ.get("CHAOS_HOME") or tempfile.mkdtemp(prefix="casegold-chaos-"))
    for name, value in {"home": str(home), **SETTINGS}.items():
        monkeypatch.setenv(f"CASEGOLD_{name.upper()}", value)
    yield load_settings()
    print(f"home: {home}")


@pytest.mark.long("casegold/servers/", "casegold/cli/dev.py", "sensors/", "dagster.yaml")
def test_chaos_leaves_nothing_lost_doubled_wrong_or_open(installation: Settings) -> None:
    print(f"\nCHAOS_SEED={SEED} CHAOS_FAULTS={FAULTS} home={installation.home}", flush=True)
    tree = Tree(installation)
    faults = Faults(tree, random.Random(SEED))
    try:
        tree.keep()
        faults.keep_pace_with(tree.wait_until_whole(STARTING_SECONDS))
        feed = Feed(installation, CALENDAR, PLAN, SEED, faults.pace)
        feed.start()
        faults.happen(FAULTS)
        faults.end()
        feed.stop()
        platform = open_platform()
        seconds = wait_until_done(platform, PLAN, feed, faults.pace)
        if feed.held is None:  # no date was closed in time
            feed.send_too_late()
            wait_until_done(platform, PLAN, feed, faults.pace)
        compared = assert_all_agrees(platform, PLAN, feed, CALENDAR)
    finally:
        print(faults.report(), flush=True)
        print(f"`dev` was started again {len(tree.ends)} times; it had ended with: {', '.join(tree.ends)}", flush=True)
        tree.end()
    print(f"after the last fault everything due was published in {seconds:.0f} s")
    print("compared: " + ", ".join(f"{count:,} {what}" for what, count in compared.items()))
    assert set(tree.ends) <= {"-9", "130", "20"}, "`dev` ended in another way than it was made to"
    shutil.rmtree(installation.home)
