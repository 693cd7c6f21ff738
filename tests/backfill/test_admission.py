"""Admission takes a number of silver as an ingest does: it dies anywhere, meets ingests anywhere, and loses nothing."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from casegold.control.changes import approvals
from casegold.control.model import Attempt, Pipeline
from casegold.domain.errors import Deferred
from casegold.domain.events import CaseEvent
from casegold.jobs.batch_job import execute
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import domain_tick, planner_tick
from casegold.sink.tables import BRONZE_SCHEMA
from tests.backfill.conftest import BEYOND_GRACE, FIRST, LAST, Folk, expected, state_of
from tests.crash.restarts import forked, let_time_pass, one_life, restart_until_done
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import evidence, send

ADMISSION = ("facts-admit",)
"""Effects that fail here."""

POINTS = (
    "append-bronze/case_events.before:kill",
    "append-bronze/case_events.after:kill",
    "append-bronze/case_events.after:lost_ack",
    *(f"{effect}.{end}" for effect in ADMISSION for end in ("before:kill", "after:kill", "after:lost_ack")),
)
BRONZE = "bronze/case_events"


@pytest.fixture
def very_late(simulated: list[CaseEvent]) -> CaseEvent:
    return evidence("very-late-letter", simulated[0].case_id, BEYOND_GRACE)


@pytest.fixture
def begun(settings: Settings, installation: Installation, folk: Folk, very_late: CaseEvent) -> str:
    """A backfill that is to admit a held fact."""
    send(settings, very_late)
    installation.work()
    request = folk.open_request()
    folk.begin(request)
    return request


def admission_attempt(installation: Installation) -> Attempt:
    planner_tick(installation.platform)
    attempts = domain_tick(installation.platform, "silver/case_events")
    (found,) = [attempt for attempt in attempts if attempt.pipeline is Pipeline.ADMISSION]
    return found


def commits(installation: Installation) -> list[tuple[int, str]]:
    rows = installation.platform.control.rows(
        "select seq, kind from ingest_commit where dataset = 'silver/case_events' order by seq"
    )
    return [(row["seq"], row["kind"]) for row in rows]


@pytest.mark.sampled
@pytest.mark.parametrize("point", POINTS)
def test_an_admission_that_dies_is_made_once(
    installation: Installation, begun: str, simulated: list[CaseEvent], very_late: CaseEvent, point: str
) -> None:
    disturbances = [point]
    restart_until_done(installation.platform.control, disturbances)
    assert disturbances == []
    assert state_of(installation, begun) == "COMPLETED"
    assert [kind for _, kind in commits(installation)].count("ADMISSION") == 1
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, very_late])


def test_an_ingest_that_was_given_up_for_dead_finds_its_number_taken(installation: Installation, begun: str) -> None:
    lake = installation.platform.lake
    taken = lake.last_seq(BRONZE) + 1
    attempt = admission_attempt(installation)
    execute(installation.platform, attempt.run_id, attempt.attempt, "test")
    assert commits(installation)[-1] == (taken, "ADMISSION")
    assert lake.append(BRONZE, BRONZE_SCHEMA.empty_table(), seq=taken) is None
    assert state_of(installation, begun) == "EXECUTING"


def test_a_chunk_that_nobody_finished_comes_first(
    settings: Settings, installation: Installation, begun: str, simulated: list[CaseEvent], very_late: CaseEvent
) -> None:
    late = evidence("late-letter", simulated[1].case_id, LAST - timedelta(days=2))
    attempt = admission_attempt(installation)
    send(settings, late)
    before = commits(installation)
    (ingest,) = [
        found for found in domain_tick(installation.platform, "silver/case_events") if found.pipeline is Pipeline.INGEST
    ]
    _die_after_bronze(installation, ingest)
    with pytest.raises(Deferred, match="to be finished by an ingest first"):
        execute(installation.platform, attempt.run_id, attempt.attempt, "test")
    assert commits(installation) == before
    restart_until_done(installation.platform.control, [])
    assert [kind for _, kind in commits(installation)[len(before) :]] == ["INGEST", "ADMISSION"]
    assert state_of(installation, begun) == "COMPLETED"
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected([*simulated, very_late, late])


def _die_after_bronze(installation: Installation, attempt: Attempt) -> None:
    ended = forked(_execute, (attempt.run_id, attempt.attempt), "append-bronze/case_events.after:kill")
    assert ended.fired
    let_time_pass(installation.platform.control)


def _execute(run_id: str, attempt: int) -> bool:
    execute(open_platform(), run_id, attempt, "test")
    return True


def test_the_platform_alone_admits_nothing(
    settings: Settings, installation: Installation, folk: Folk, very_late: CaseEvent
) -> None:
    send(settings, very_late)
    installation.work()
    admit = (
        "update fact_admission set state = 'ADMITTED', backfill_run_id = %s,"
        " admitted_seq = (select max(seq) from ingest_commit where dataset = 'silver/case_events')"
    )
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="by no backfill that is being executed"),
        installation.platform.control.write("by a test") as connection,
    ):
        connection.execute(admit, (folk.open_request(),))
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="stands for nobody"),
        installation.platform.control.write("by a test") as connection,
    ):
        connection.execute("update fact_admission set state = 'REJECTED'")


def test_facts_that_were_rejected_after_the_approval_end_the_backfill(
    installation: Installation, folk: Folk, begun: str, simulated: list[CaseEvent]
) -> None:
    command("facts", "reject", "very-late-letter", "--reason", "forged", "--as", folk.ann)
    installation.work()
    assert state_of(installation, begun) == "FAILED"
    note = approvals.find(installation.platform.control, begun).note
    assert note is not None
    assert "admission of its facts FAILED" in note
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    assert one_life().finished
