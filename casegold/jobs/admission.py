"""Admission of held facts: takes the sequence number from which they count, and makes the dates they change dirty.

The job holds the claim of silver, because ingest assigns sequence numbers, too. It changes no row of the lake. Not
here: the approval (`control.changes.approvals`), and restating the dates (planner, `jobs.snapshot`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from casegold.control.changes import admission
from casegold.control.changes.admission import EventId
from casegold.control.ingest import commits
from casegold.control.model import Claim, RunManifest
from casegold.control.runs import claims
from casegold.domain.errors import Deferred
from casegold.domain.sql import query
from casegold.jobs.chunks import NO_RANGES, RANGES, commit_summary, covers_nothing
from casegold.jobs.outcome import Outcome
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.sink.tables import BRONZE_SCHEMA

ROOM = "casegold.jobs"

BRONZE = "bronze/case_events"
SILVER = "silver/case_events"
_ASKED = pa.schema([(name, pa.string()) for name in ("source", "event_id", "event_type", "case_id")])


@dataclass(frozen=True, slots=True)
class _Concerned:
    """What the lake adds to the held facts: earlier dates that some of them change now, and the events they correct."""

    dates: dict[EventId, date]
    corrected: list[EventId]


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Admit the held facts of the manifest's backfill. Idempotent.

    Raises:
        Deferred: an ingest is unfinished, or the backfill is paused or has ended.
        ConfigurationError: the facts differ from the approved ones.
    """
    with platform.control.read() as connection:
        earlier = admission.done(connection, manifest.run_id)
    if earlier is not None:
        return Outcome({"facts": earlier.facts, "sequence": earlier.seq})
    with engine(platform) as duck:
        concerned = _concerned(platform, duck, manifest)
    seq = _take_number(platform, claim)
    with platform.control.write("facts-admit") as connection:
        admitted = admission.admit(connection, manifest, claim, seq, concerned.dates)
        commits.settle_conflicts(connection, seq, concerned.corrected)
    return Outcome({"facts": admitted.facts, "sequence": admitted.seq})


def _take_number(platform: Platform, claim: Claim) -> int:
    """Take the next sequence number of silver. An empty commit to bronze keeps ingest from using it.

    An ingest that lost its claim while it was reading may still try to append a chunk under the same number; it then
    finds the number taken. If the admission dies, its number is never used. An incomplete chunk in bronze must be
    completed first: otherwise figures computed at our number would seem to include that chunk but lack its facts.

    Raises:
        Deferred: bronze has an incomplete chunk, or the claim was taken over.
    """
    given = platform.lake.last_seq(BRONZE)
    with platform.control.read() as connection:
        claims.assert_held(connection, claim)
        fenced = covers_nothing(platform.lake.properties(BRONZE))
        if given and not fenced and not commits.is_complete(connection, SILVER, given):
            raise Deferred(f"commit {given} of {BRONZE} is to be finished by an ingest first")
        seq = max(given, commits.last_seq(connection, SILVER)) + 1
    summary, nothing = commit_summary(claim), {RANGES: NO_RANGES}
    if platform.lake.append(BRONZE, BRONZE_SCHEMA.empty_table(), seq=seq, properties=nothing, summary=summary) is None:
        raise Deferred(f"another run took number {seq} of {SILVER}")
    return seq


def _concerned(platform: Platform, duck: duckdb.DuckDBPyConnection, manifest: RunManifest) -> _Concerned:
    with platform.control.read() as connection:
        facts = admission.approved(connection, manifest)
    asked = pa.Table.from_pylist([{name: fact[name] for name in _ASKED.names} for fact in facts], schema=_ASKED)
    duck.register("asked_facts", asked)
    platform.lake.register(duck, "silver_case_events", SILVER)
    dates = duck.execute(query(ROOM, "admission_dates")).fetchall()
    corrected = duck.execute(query(ROOM, "admission_corrected")).fetchall()
    return _Concerned({(source, event_id): day for source, event_id, day in dates}, corrected)
