"""Compares a chunk of candidates with silver: duplicates, conflicts, and the dates that a fact makes dirty.

Only rows of earlier commits count, so that a chunk that is processed again after a crash gives the same result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa

from casegold.domain.identity import event_key
from casegold.domain.sql import query
from casegold.transform.silver import Accepted, Candidate, EventId, Refused, conflict

ROOM = "casegold.jobs"

_NAMED = pa.schema([("source", pa.string()), ("event_id", pa.string())])
_ASKED = pa.schema([("event_key", pa.int64()), *_NAMED])


@dataclass(frozen=True, slots=True)
class Recorded:
    """The first record of an event."""

    digest: str
    effective_date: date
    where: str


@dataclass(frozen=True, slots=True)
class ConflictingRecord:
    """A candidate with other content than the recorded event, that event, and the refusal."""

    candidate: Candidate
    first: Recorded
    refusal: Refused


@dataclass(slots=True)
class Sorted:
    """A chunk's candidates, each exactly once: new, duplicate or in conflict."""

    fresh: list[Candidate] = field(default_factory=list)
    duplicates: int = 0
    conflicts: list[ConflictingRecord] = field(default_factory=list)


def sort_among(
    candidates: Sequence[Candidate],
    recorded: dict[EventId, Recorded],
    conflicts_of: Callable[[Sequence[EventId]], set[tuple[str, str, str]]],
    place_of: Callable[[Candidate], str] = lambda _: "same chunk",
) -> Sorted:
    """Separate new facts from duplicates and conflicts; the first record of an event stays in force.

    Args:
        recorded: known events; the new facts are added.
        conflicts_of: source, id and digest of the recorded conflicts of some events. A recorded conflict that comes
            again is a duplicate.
        place_of: the text that a conflict uses for the place of the first record, if that is among these candidates.
    """
    found = Sorted()
    contradicting: list[tuple[Candidate, Recorded]] = []
    for candidate in candidates:
        identity = candidate.identity
        first = recorded.get(identity)
        if first is None:
            recorded[identity] = Recorded(candidate.digest, candidate.effective_date, place_of(candidate))
            found.fresh.append(candidate)
        elif first.digest == candidate.digest:
            found.duplicates += 1
        else:
            contradicting.append((candidate, first))
    reported = conflicts_of([candidate.identity for candidate, _ in contradicting]) if contradicting else set()
    for candidate, first in contradicting:
        content = (*candidate.identity, candidate.digest)
        if content in reported:
            found.duplicates += 1
        else:
            reported.add(content)
            found.conflicts.append(ConflictingRecord(candidate, first, conflict(candidate, first.where)))
    return found


class KnownFacts:
    """Silver before one commit. The connection must have the view `silver_case_events`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, seq: int) -> None:
        self._connection = connection
        connection.execute(query(ROOM, "set_seq"), {"value": seq})

    def sort(
        self,
        candidates: Sequence[Candidate],
        conflicts_of: Callable[[Sequence[EventId]], set[tuple[str, str, str]]],
    ) -> Sorted:
        """Separate new facts from duplicates and conflicts: see `sort_among`."""
        return sort_among(candidates, self._recorded(candidates), conflicts_of)

    def _recorded(self, candidates: Sequence[Candidate]) -> dict[EventId, Recorded]:
        if not candidates:
            return {}
        batch = pa.table({"event_key": pa.array([candidate.key for candidate in candidates], pa.int64())})
        self._connection.register("batch", batch)
        keys = self._connection.execute(query(ROOM, "recorded_keys")).to_arrow_table()
        if keys.num_rows == 0:
            return {}
        self._connection.register("recorded_keys", keys)
        rows = self._connection.execute(query(ROOM, "recorded_events")).fetchall()
        return {
            (source, event_id): Recorded(digest, day, f"ingest {seq}") for source, event_id, digest, day, seq in rows
        }

    def with_dirty_dates(self, fresh: Sequence[Candidate]) -> list[Accepted]:
        """Each new fact with the earliest date that it can change.

        A fact changes figures from its own date on, or from an earlier date to which a known correction moves it. A
        correction changes figures from the earliest of all dates at which its target is, was by any correction, or will
        be. A date that is too early costs a comparison of digests; a date that is too late would leave a wrong figure.
        """
        history = self._history(fresh)
        return [Accepted(candidate, history.dirty_from(candidate)) for candidate in fresh]

    def _history(self, fresh: Sequence[Candidate]) -> _History:
        history = _History()
        for candidate in fresh:
            history.add(
                candidate.identity, candidate.effective_date, candidate.corrected, candidate.replacement_date, None
            )
        asked = {candidate.corrected for candidate in fresh if candidate.corrected is not None}
        while missing := {target for target in asked if target not in history.events}:
            self._ask(missing)
            rows = self._connection.execute(query(ROOM, "correction_targets")).fetchall()
            for source, event_id, day, dirty_from, corrected, moved_to in rows:
                target = None if corrected is None else (source, corrected)
                history.add((source, event_id), day, target, moved_to, dirty_from)
            asked = {(source, corrected) for source, _, _, _, corrected, _ in rows if corrected is not None}
        concerned = [
            *history.events,
            *({c.corrected for c in fresh if c.corrected is not None} - history.events.keys()),
        ]
        names = {"source": [source for source, _ in concerned], "event_id": [event_id for _, event_id in concerned]}
        self._connection.register("asked", pa.table(names, schema=_NAMED))
        for source, corrected, moved_to in self._connection.execute(query(ROOM, "corrections_of")).fetchall():
            if moved_to is not None:
                history.moves[source, corrected].add(moved_to)
        return history

    def _ask(self, events: Iterable[EventId]) -> None:
        rows = [{"event_key": event_key(*event), "source": event[0], "event_id": event[1]} for event in sorted(events)]
        self._connection.register("asked", pa.Table.from_pylist(rows, schema=_ASKED))


@dataclass(slots=True)
class _History:
    """Events and corrections that matter for a chunk."""

    events: dict[EventId, tuple[date, EventId | None]] = field(default_factory=dict)
    """Its date; for a correction, also the event that it corrects."""
    dirtied: dict[EventId, date] = field(default_factory=dict)
    moves: dict[EventId, set[date]] = field(default_factory=lambda: defaultdict(set))
    """Dates to which corrections move an event."""

    def add(
        self, event: EventId, day: date, corrected: EventId | None, moved_to: date | None, dirty_from: date | None
    ) -> None:
        self.events[event] = (day, corrected)
        if dirty_from is not None:
            self.dirtied[event] = dirty_from
        if corrected is not None and moved_to is not None:
            self.moves[corrected].add(moved_to)

    def dirty_from(self, candidate: Candidate) -> date:
        moves = self.moves.get(candidate.identity)
        if candidate.corrected is None:
            return candidate.effective_date if moves is None else min(candidate.effective_date, *moves)
        dates = set(moves or ())
        if candidate.replacement_date is not None:
            dates.add(candidate.replacement_date)
        dates |= self._places(candidate.corrected)
        # A correction of an unknown event changes no figure yet; its own date keeps it in the ledger.
        return min(dates, default=candidate.effective_date)

    def _places(self, event: EventId) -> set[date]:
        """Every date at which an event is, was or would be; follows corrections to their targets."""
        dates: set[date] = set()
        seen: set[EventId] = set()
        following: EventId | None = event
        while following is not None and following not in seen:
            seen.add(following)
            dates |= self.moves.get(following, set())
            if following in self.dirtied:
                dates.add(self.dirtied[following])
            day, target = self.events.get(following, (None, None))
            if day is not None and target is None:
                dates.add(day)
            following = target
        return dates
