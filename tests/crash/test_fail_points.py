"""Every fail point of the work itself x {kill, lost acknowledgement}: run, die, restart, converge to the same state.

A story dies at several effects, one after the other, each at one end. It takes another two stories until each of them
has died at every end; `make test` runs one of the three.

Points of what people do by hand are in test_by_hand.py; test_effects.py sees that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, CaseEscalated, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate
from tests.conftest import own_database, own_topics
from tests.crash.final_state import final_state
from tests.crash.restarts import restart_until_done
from tests.e2e.installation import command
from tests.sampling.choose import ENDS, turns

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 18), date(2024, 2, 29)
PLAN = Plan(40, 12, 9, LAST, CALENDAR)

STORIES = {
    "asked": ("install", "table-create", "letters-done", "stage-chunk", "branch-remove", "compaction-write"),
    "planned": ("ingest-plan", "head-move", "attempt-finish", "stage-branch", "gate-settle", "compaction-commit"),
    "requested": (
        "attempt-request",
        "append-bronze/case_events",
        "append-bronze/control_totals",
        "stage-commit",
        "artifact-write",
        "manifests-merge",
    ),
    "opened": (
        "stream-open",
        "append-bronze/rejected_events",
        "totals-complete",
        "audit-record",
        "relay-send",
        "snapshots-expire",
        "mark-seen",
    ),
    "due": ("plan", "append-silver/case_events", "ingest-complete"),
    "waiting": ("day-barrier", "attempt-start", "version-prepare", "relay-mark", "orphan-delete"),
    "closed": ("day-close", "heartbeat", "publish-commit", "trigger-claim"),
    "told": (
        "letters-send",
        "stage-write",
        "version-complete",
        "maintenance-ask",
        "append-bronze/rejected_totals",
    ),
}
"""Effects that fail in one story, in the order in which it comes to them for the first time.

They are far from each other, so that no run dies many times in a row, which would need a person; a heartbeat may be
any run's. What a story does only once, as to close its days, comes first: a life that loses an acknowledgement goes on
and does the rest.
"""

AFTER_A_DEATH = ("version-abandoning", "version-settle")
"""Effects that fail in one story with deaths before them: they settle an undecided version, not on main or on it."""

EFFECTS_HERE = (*(effect for story in STORIES.values() for effect in story), *AFTER_A_DEATH)


OVERRIDES = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
    "ingest_chunk_records": "120",
}


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


def load(*options: object) -> None:
    shares = ("--duplicates", 0.05, "--out-of-order", 0, "--conflicting", 0.05, "--settled", "--poison", 0.05)
    command(
        "simulate", "--cases", PLAN.cases, "--days", PLAN.days, "--seed", PLAN.seed, "--until", LAST, *shares, *options
    )


def send_late(settings: Settings) -> None:
    """An escalation of a case that is in every figure, within the grace window and before it."""
    opened = next(sent.event for sent in simulate(PLAN) if sent.event and sent.event.type is EventType.CASE_OPENED)
    with RecordSender(settings.kafka_config()) as sender:
        for name, day in (("late", date(2024, 2, 27)), ("too-late", date(2024, 2, 19))):
            data = CaseEscalated(level=9, reason=name)
            event = CaseEvent(
                source=DEFAULT_SOURCE,
                id=name,
                type=EventType.CASE_ESCALATED,
                case_id=opened.case_id,
                occurred_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                emitted_at=datetime(2024, 3, 1, 12, tzinfo=UTC),
                data=data,
                data_json=payload_json(data),
            )
            send_event(sender, settings.events_topic, event, Encoding.BINARY, DEFAULT_SOURCE)


def send_broken_total(settings: Settings) -> None:
    with RecordSender(settings.kafka_config()) as sender:
        sender.send(settings.totals_topic, b"no total", b"{")


def whole_story(settings: Settings, disturbances: list[str], later: Sequence[str] = ()) -> dict[str, Any]:
    """First figures; then late facts, and everything once more; then new totals that say the same.

    Args:
        disturbances: met from the beginning on; emptied as they are met.
        later: disturbances that wait for the late facts.
    """
    control = ControlDb(settings.control_url())
    load()
    restart_until_done(control, disturbances)
    disturbances += later
    send_late(settings)
    send_broken_total(settings)
    load()
    restart_until_done(control, disturbances)
    send_broken_total(settings)
    load("--totals-revision", 2)
    restart_until_done(control, disturbances)
    return final_state(open_platform(settings))


@pytest.fixture(scope="session")
def undisturbed(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The final state of an installation of its own in which nothing failed: what every story is compared with."""
    home = tmp_path_factory.mktemp("undisturbed")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(servers, home, monkeypatch, OVERRIDES) as database,
        own_topics(database) as settings,
    ):
        found = whole_story(settings, [])
    assert len(found["versions"]) == 4, "snapshots and report, each restated once"
    return found


@pytest.mark.sampled
@pytest.mark.parametrize(
    "points",
    [
        pytest.param(points, id=f"{story}-{turn}")
        for story, effects in STORIES.items()
        for turn, points in enumerate(turns(effects))
    ],
)
def test_dying_at_effects_changes_nothing(
    settings: Settings, undisturbed: dict[str, Any], points: tuple[str, ...]
) -> None:
    disturbances = list(points)
    assert_same(whole_story(settings, disturbances), undisturbed)
    assert disturbances == [], "not reached"


@pytest.mark.sampled
@pytest.mark.parametrize("points", turns(AFTER_A_DEATH), ids=range(len(ENDS)))
def test_dying_while_a_dead_run_is_settled_changes_nothing(
    settings: Settings, undisturbed: dict[str, Any], points: tuple[str, ...]
) -> None:
    abandoning, settle = points
    first = ["version-prepare.after:kill", abandoning]
    later = ["publish-commit.after:kill", settle]
    assert_same(whole_story(settings, first, later), undisturbed)
    assert first == [], "not reached"


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for what, value in expected.items():
        assert found[what] == value, what
