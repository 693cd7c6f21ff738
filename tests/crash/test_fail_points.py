"""Every fail point of the work itself x {kill, lost acknowledgement}: run, die, restart, converge to the same state.

Points of what people do by hand are in test_by_hand.py; test_effects.py sees that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import DEFAULT_SOURCE, CaseEscalated, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.manifest.db import ControlDb
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, simulate
from tests.conftest import own_database, own_topics
from tests.crash.final_state import final_state
from tests.crash.lives import live_until_done
from tests.e2e.installation import command

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 18), date(2024, 2, 29)
PLAN = Plan(40, 12, 9, LAST, CALENDAR)

OFTEN = (
    "ingest-plan",
    "plan",
    "attempt-request",
    "attempt-start",
    "attempt-finish",
    "append-bronze/case_events",
    "append-bronze/rejected_events",
    "append-silver/case_events",
    "append-bronze/control_totals",
    "ingest-complete",
    "totals-complete",
    "letters-send",
    "stage-write",
    "stage-branch",
    "stage-chunk",
    "stage-commit",
    "audit-record",
    "artifact-write",
    "version-prepare",
    "publish-commit",
    "version-complete",
    "gate-settle",
    "branch-remove",
    "relay-send",
    "relay-mark",
    "trigger-claim",
    "mark-seen",
    "table-create",
    "head-move",
    "install",
    "stream-open",
    "heartbeat",
    "maintenance-ask",
    "compaction-write",
    "compaction-commit",
    "manifests-merge",
    "snapshots-expire",
    "orphan-delete",
)
"""Effects that a story has often enough to die before one, after the next, and to lose a third's acknowledgement."""

SELDOM = ("append-bronze/rejected_totals", "letters-done", "day-barrier", "day-close")
"""Effects that happen too seldom for that: each end has a story of its own."""

ENDS = ("before:kill", "after:kill", "after:lost_ack")

AFTER_A_DEATH = {
    # An undecided version, to be settled by the next run: one that is not on main, and one that is.
    "version-abandoning": "version-prepare.after:kill",
    "version-settle": "publish-commit.after:kill",
}


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
    """An escalation of a case that is in every figure, within the grace window and before it; and a broken total."""
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
        sender.send(settings.totals_topic, b"no total", b"{")


def whole_story(settings: Settings, disturbances: list[str]) -> dict[str, Any]:
    """First figures; then late facts, and everything once more; then new totals that say the same."""
    control = ControlDb(settings.control_url())
    load()
    live_until_done(control, disturbances)
    send_late(settings)
    load()
    live_until_done(control, disturbances)
    load("--totals-revision", 2)
    live_until_done(control, disturbances)
    return final_state(open_platform(settings))


@pytest.fixture(scope="module")
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


@pytest.mark.parametrize("effect", OFTEN)
def test_dying_at_an_effect_changes_nothing(settings: Settings, undisturbed: dict[str, Any], effect: str) -> None:
    disturbances = [f"{effect}.{end}" for end in ENDS]
    assert_same(whole_story(settings, disturbances), undisturbed)
    assert disturbances == [], "not reached"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("effect", SELDOM)
def test_dying_once_at_a_seldom_effect_changes_nothing(
    settings: Settings, undisturbed: dict[str, Any], effect: str, end: str
) -> None:
    disturbances = [f"{effect}.{end}"]
    assert_same(whole_story(settings, disturbances), undisturbed)
    assert disturbances == [], "not reached"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("effect", AFTER_A_DEATH)
def test_dying_while_a_dead_run_is_settled_changes_nothing(
    settings: Settings, undisturbed: dict[str, Any], effect: str, end: str
) -> None:
    disturbances = [AFTER_A_DEATH[effect], f"{effect}.{end}"]
    assert_same(whole_story(settings, disturbances), undisturbed)
    assert disturbances == [], "not reached"


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for what, value in expected.items():
        assert found[what] == value, what
