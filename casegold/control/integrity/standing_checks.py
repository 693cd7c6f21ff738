"""Standing checks of the control state: what needs a person, exactly how much of it, and what to do.

Unlike an alert, a check stays red until its cause is gone. Not here: checks that need Kafka
(`operations.standing_checks`), showing results.
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
    """A standing check. `meaning` says what holds while it is green, `recovery` what to do once it is red.

    `urgent`: figures stop or are unsafe; otherwise a person has to decide.
    """

    name: str
    dataset: str
    meaning: str
    recovery: str
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a check: the exact number of findings, and the first few. The check is green if `count` is 0.

    `calm`: the platform is working on it right now, so it is no alarm.
    """

    question: Question
    count: int
    sample: tuple[Mapping[str, Any], ...] = ()
    calm: bool = False


LOST_OFFSETS = Question(
    "no_lost_offsets",
    "bronze/case_events",
    "Kafka deleted no record before ingest read it. Transaction markers and compacted records do not count.",
    "Ask the source to send the missing events again, and raise the retention of the topic.",
)
HELD_FACTS = Question(
    "no_held_facts",
    "silver/case_events",
    "No fact that arrived after the grace window waits for a decision. Held facts are in no official figure.",
    "Decide on the facts: request a backfill that admits them (`casegold facts admit`), or `casegold facts reject`.",
    urgent=False,
)
OPEN_CONFLICTS = Question(
    "no_open_conflicts",
    "silver/case_events",
    "No conflict is open: an event id that was sent twice with different content.",
    "Ask the source which content is right, and to send a CaseCorrected event for it."
    " Until then the gate of the affected dates stays closed.",
    urgent=False,
)
REJECTED_FACTS = Question(
    "no_rejected_facts",
    "silver/case_events",
    "No record was rejected for a date whose official version was judged before.",
    "The dead-letter topic has the records with their reasons. Ask the source to send them again corrected,"
    " or to send control totals of a higher revision without them. The gate then judges the date again.",
)
OPEN_HOLDS = Question(
    "no_open_holds",
    "gold/case_daily_snapshot",
    "No partition is held or pinned.",
    "`casegold holds` shows which checks closed the gate. Corrected events or control totals end such a hold;"
    " `casegold release DATASET` ends a pin.",
)
FAILED_RUNS = Question(
    "no_failed_runs",
    "gold/case_daily_snapshot",
    "Every failed run was followed by a successful run of the same dataset and mode.",
    "`casegold runs` shows the error. Remove its cause, then `casegold retry RUN_ID --reason ...`.",
)
STUCK_ATTEMPTS = Question(
    "no_stuck_attempt",
    "gold/case_daily_snapshot",
    "No attempt has waited for its start, or run without a heartbeat, for more than ten minutes.",
    "Check that the daemon runs and that its run queue has a free slot: Deployment and Runs in Dagster,"
    " `casegold runs`. Without Dagster, start `casegold work`.",
)
OPEN_REQUESTS = Question(
    "no_waiting_requests",
    "gold/case_daily_snapshot",
    "No backfill request waits for a person. The sample shows the oldest requests first.",
    "`casegold backfill list` shows what each request waits for: its plan, an approval, its execution, or a resume.",
    urgent=False,
)
OVERDUE_CLOSES = Question(
    "no_overdue_closes",
    "gold/case_daily_snapshot",
    "Every business date was closed within the agreed latency after its end.",
    "`casegold days status` shows which source has not sent its control totals. If it never will, a person may close"
    " the date: `casegold days close DATE --reason ...`.",
)

UNDESCRIBED = Question(
    "published_are_described",
    "gold/case_daily_snapshot",
    "Every dataset with official figures has a contract in this installation. Without one it is no longer computed.",
    "Restore the folder of its product, and set CASEGOLD_PRODUCTS_DIR wherever casegold and Dagster run.",
)

POSITIONS = Question(
    "offsets_accounted",
    "bronze/case_events",
    "The recorded commits cover every offset up to the position of ingest, without a gap.",
    "Stop the ingest and compare ingest_source_range with source_position: somebody changed rows, or this is a bug.",
)
UNDECIDED = Question(
    "no_undecided_version",
    "gold/case_daily_snapshot",
    "No run died between preparing a version and completing it.",
    "The sensor `reconcile` completes or abandons the version by itself; `casegold reconcile --fix` does so at once.",
)
UNDELIVERED = Question(
    "outbox_delivered",
    "gold/case_daily_snapshot",
    "Every outbox event that is older than ten minutes is on Kafka.",
    "Check that `casegold relay` runs and reaches the Kafka broker.",
)
UNHEARD = Question(
    "deliveries_heard",
    "gold/case_daily_snapshot",
    "The platform has read back from Kafka every announcement that is recorded as delivered.",
    "The topic lost records or was recreated. Compare it with outbox_delivery: consumers may have missed versions.",
)

IRREPRODUCIBLE = Question(
    "figures_reproducible",
    "gold/case_daily_snapshot",
    "No verification found official figures that differ from the recomputed ones. Stays red until a verification of"
    " the same version passes or another version is official.",
    "Nobody may rely on these figures until the cause is known: follow docs/runbooks/on-call.md, then run"
    " `casegold verify DATASET --partition P`.",
)
UNVERIFIABLE = Question(
    "figures_verifiable",
    "gold/case_daily_snapshot",
    "The last verification of each official partition was able to recompute it.",
    "Verify them with the release that computed them, or recompute them with this one: `casegold backfill request`.",
    urgent=False,
)

AUDIT_TRAIL = Question(
    "audit_trail_whole",
    "gold/case_daily_snapshot",
    "Every digest of the audit trail is correct, and every recorded decision matches the trail.",
    "Nobody may rely on approvals until the cause is known: `casegold audit verify` shows where the trail breaks;"
    " see docs/security.md.",
)
RIGHTS = Question(
    "rights_separated",
    "gold/case_daily_snapshot",
    "No login can change what people decided, or stop the platform; superusers are not counted.",
    "`casegold up` corrects the rights. A superuser does the rest: deploy/postgres/prepare.sql and seal.sql.",
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
"""Checks that are one SQL query each: its rows are the sample, its column `total` is the count."""


def ask(control: ControlDb, question: Question) -> Answer:
    """Run a check. Raises KeyError for one that has no query in `STATEMENTS`."""
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

    Dates close in order, so these are all dates after the latest closed one. If none is closed, they begin with the
    first date that has control totals.
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
