"""Standing questions about the control state: what waits for a person, exactly how much, and what to do about it.

Unlike an alert, an answer stays red until the thing itself is settled. Not here: questions that need Kafka
(`operations.standing_checks`), and how answers are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from casegold.control.db import ControlDb
from casegold.control.runs.attempt_results import DEAD_AFTER_SECONDS
from casegold.control.versions import listing
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import Contracts
from casegold.domain.identity import PLATFORM_SOURCE
from casegold.domain.sql import query

ROOM = "casegold.control.integrity"

MAX_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is asked again and again. `urgent` ones stop figures; the others wait for a decision."""

    name: str
    dataset: str
    meaning: str
    recovery: str
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """How much is wrong, exactly, and the first few examples of it. Nothing is wrong where `count` is 0.

    `calm`: it is being worked on right now.
    """

    question: Question
    count: int
    sample: tuple[Mapping[str, Any], ...] = ()
    calm: bool = False


LOST_OFFSETS = Question(
    "no_lost_offsets",
    "bronze/case_events",
    "Every offset was read, or Kafka explains the gap; none was deleted before it was read.",
    "Have the source send the events of the gap again; raise the topic's retention.",
)
HELD_FACTS = Question(
    "no_held_facts",
    "silver/case_events",
    "No fact beyond the grace window waits outside the official figures.",
    "Decide on the facts: admit them by an approved backfill, or reject them.",
    urgent=False,
)
OPEN_CONFLICTS = Question(
    "no_open_conflicts",
    "silver/case_events",
    "No event id was sent twice with different content.",
    "Ask the source which content is right, and have a CaseCorrected sent. Until then the gate of its dates is closed.",
    urgent=False,
)
REJECTED_FACTS = Question(
    "no_rejected_facts",
    "silver/case_events",
    "No record of an official date was rejected since its gate was judged.",
    "Have the source send the records again corrected, or count the date again: either judges it anew."
    " The dead-letter topic has the records with their reasons.",
)
OPEN_HOLDS = Question(
    "no_open_holds",
    "gold/case_daily_snapshot",
    "No range of partitions is held back.",
    "`casegold holds` shows the checks that closed the gate; corrected events or totals release a hold by themselves.",
)
FAILED_RUNS = Question(
    "no_failed_runs",
    "gold/case_daily_snapshot",
    "No run gave up and was left so.",
    "`casegold runs` shows the error; correct its cause, then retry the run.",
)
STUCK_ATTEMPTS = Question(
    "no_stuck_attempt",
    "gold/case_daily_snapshot",
    "Every attempt that was asked for has begun, and every one that works gave a sign of life, within ten minutes.",
    "See that the daemon runs and has a free place in its queue: Deployment and Runs in Dagster, `casegold runs`."
    " Without Dagster, `casegold work` takes the attempt up.",
)
OPEN_REQUESTS = Question(
    "no_waiting_requests",
    "gold/case_daily_snapshot",
    "No request for a backfill waits for people; the oldest comes first.",
    "`casegold backfill list` shows what each waits for: a plan, an approval, its execution, or being resumed.",
    urgent=False,
)
OVERDUE_CLOSES = Question(
    "no_overdue_closes",
    "gold/case_daily_snapshot",
    "Every date that is over was closed within the promised latency.",
    "See which source has not sent its control totals; a person may close a date with a reason.",
)

UNDESCRIBED = Question(
    "published_are_described",
    "gold/case_daily_snapshot",
    "Every dataset with official figures has a contract here; one without is computed and looked after no more.",
    "Put its product's folder back, and set CASEGOLD_PRODUCTS_DIR as it was wherever casegold and Dagster run.",
)

POSITIONS = Question(
    "offsets_accounted",
    "bronze/case_events",
    "The offsets that were read are those that commits account for, without a gap.",
    "Stop the ingest; compare ingest_source_range with source_position: a hand changed rows, or this is a bug.",
)
UNDECIDED = Question(
    "no_undecided_version",
    "gold/case_daily_snapshot",
    "No version was left between prepared and published by a run that died.",
    "The sensor `reconcile` has it settled; `casegold reconcile --fix` does so at once.",
)
UNDELIVERED = Question(
    "outbox_delivered",
    "gold/case_daily_snapshot",
    "Every event in the outbox for ten minutes is on Kafka.",
    "See that `casegold relay` runs and reaches the broker.",
)
UNHEARD = Question(
    "deliveries_heard",
    "gold/case_daily_snapshot",
    "Every announcement recorded as delivered is where it was delivered.",
    "The topic lost records or was recreated: compare it with outbox_delivery; consumers may have missed versions.",
)

IRREPRODUCIBLE = Question(
    "figures_reproducible",
    "gold/case_daily_snapshot",
    "No official figures came out differently when they were computed again; red until they are verified or replaced.",
    "Nobody may rely on them until it is known why: see the runbook, then `casegold verify DATASET --partition P`.",
)
UNVERIFIABLE = Question(
    "figures_verifiable",
    "gold/case_daily_snapshot",
    "No official figures could not be computed again when they were last looked at.",
    "Verify them by the release that made them, or have them computed anew: `casegold backfill request`.",
    urgent=False,
)

AUDIT_TRAIL = Question(
    "audit_trail_whole",
    "gold/case_daily_snapshot",
    "Every digest of the audit trail is right, and every row that was decided is as the trail has it.",
    "Nobody may rely on approvals until it is known why: `casegold audit verify` shows where; see docs/security.md.",
)
RIGHTS = Question(
    "rights_separated",
    "gold/case_daily_snapshot",
    "The login that runs the platform owns nothing that people decide, and nobody keeps rights that stop it.",
    "`casegold up` restores the rights; a superuser does the rest: deploy/postgres/prepare.sql and seal.sql.",
)

STATEMENTS = {
    AUDIT_TRAIL: "standing_audit",
    RIGHTS: "standing_rights",
    IRREPRODUCIBLE: "standing_irreproducible",
    UNVERIFIABLE: "standing_unverifiable",
    POSITIONS: "standing_positions",
    UNDECIDED: "standing_undecided",
    UNDELIVERED: "standing_undelivered",
    UNHEARD: "standing_unheard",
    LOST_OFFSETS: "standing_lost_offsets",
    HELD_FACTS: "standing_held_facts",
    OPEN_CONFLICTS: "standing_open_conflicts",
    REJECTED_FACTS: "standing_rejected_facts",
    OPEN_HOLDS: "standing_open_holds",
    FAILED_RUNS: "standing_failed_runs",
    STUCK_ATTEMPTS: "standing_stuck_attempts",
    OPEN_REQUESTS: "standing_open_requests",
}
"""Questions that one statement answers: its rows are the sample, its column `total` the count."""


def ask(control: ControlDb, question: Question) -> Answer:
    """The answer of the question's statement. Raises KeyError for a question without one."""
    parameters = {"limit": MAX_SAMPLE, "dead_after": DEAD_AFTER_SECONDS, "source": PLATFORM_SOURCE}
    rows = control.rows(query(ROOM, STATEMENTS[question]), parameters)
    total = int(rows[0]["total"]) if rows else 0
    return Answer(question, total, tuple({name: row[name] for name in row if name != "total"} for row in rows))


def undescribed(control: ControlDb, contracts: Contracts) -> Answer:
    """Datasets that were published and that the installation no longer knows of, as when a product's folder is gone."""
    with control.read() as connection:
        found = listing.undescribed(connection, contracts)
    return Answer(UNDESCRIBED, len(found), tuple(found[:MAX_SAMPLE]))


def overdue_closes(control: ControlDb, calendar: BusinessCalendar, now: datetime, latency: timedelta) -> Answer:
    """Dates that ended more than `latency` before the business clock's `now` and are not closed.

    Dates close in order, so they are all those after the latest close; before the first, from the first counted date.
    """
    row = control.rows(query(ROOM, "standing_register"))[0]
    start = row["latest_closed"] + timedelta(days=1) if row["latest_closed"] else row["first_counted"]
    last = calendar.date_of(now - latency) - timedelta(days=1)
    if start is None or last < start:
        return Answer(OVERDUE_CLOSES, 0)
    count = (last - start).days + 1
    shown = [start + timedelta(days=offset) for offset in range(min(count, MAX_SAMPLE))]
    return Answer(OVERDUE_CLOSES, count, tuple(_overdue(calendar, day, now) for day in shown))


def _overdue(calendar: BusinessCalendar, day: date, now: datetime) -> dict[str, Any]:
    waited = now - calendar.end_of(day)
    return {"date": day, "ended at": calendar.end_of(day), "hours waited": round(waited.total_seconds() / 3600, 1)}
