"""Admission of held facts: one number of silver from which on they count, and the dates that they change from then on.

Under the claim of silver, because ingest gives numbers, too. No row of the lake changes. Not here: who approved it
(manifest.approvals), restating the dates (planner, jobs.snapshot).
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
from casegold.control.runs import store
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
    """What the lake knows of the facts: earlier dates that they change by now, and the events that they correct."""

    dates: dict[EventId, date]
    corrected: list[EventId]


def run(platform: Platform, manifest: RunManifest, claim: Claim) -> Outcome:
    """Admit the held facts of the manifest's backfill, once.

    Raises:
        Deferred: an ingest is unfinished, or the backfill is paused or over.
        ConfigurationError: the facts are not those that were approved.
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
    """The next number of silver, taken from ingest for good by an empty commit of bronze.

    An ingest that lost its claim while it read may still append a chunk under the number it had in mind: it finds it
    taken. A number whose admission dies is never used. A chunk in bronze that is not complete comes first: figures
    computed at our number would else have seen it without its facts.

    Raises:
        Deferred: there is such a chunk, or the claim was taken over.
    """
    given = platform.lake.last_seq(BRONZE)
    with platform.control.read() as connection:
        store.assert_held(connection, claim)
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
