"""What ingest would do with records, found by its own decoder and rules. Reads nothing except the given records.

Records are compared with each other, not with silver: only ingest knows whether an event came before. Not here: where
the records come from, how findings are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Protocol

from casegold.control.ingest.totals import Counted, TotalKey
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.events import Rejection, RejectReason
from casegold.jobs import control_totals, deduplication
from casegold.jobs.deduplication import Recorded
from casegold.jobs.ingest import bounds_of
from casegold.runtime.contracts import JUDGE, contracts_of
from casegold.runtime.settings import Settings
from casegold.source.codec import KafkaRecord, decode
from casegold.source.remedies import REMEDIES, field_of
from casegold.source.totals import ControlTotal
from casegold.transform.silver import Candidate, EventId, read_chunk

BATCH = 1000


class Verdict(StrEnum):
    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    """The same content again: it counts once, and is no error."""
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one record. `date` is its business date. The last four fields are set for rejected records."""

    place: str
    verdict: Verdict
    source: str | None
    event_id: str | None
    event_type: str | None
    date: date | None
    reason: RejectReason | None = None
    field: str | None = None
    detail: str | None = None
    remedy: str | None = None


class Judge(Protocol):
    """Judges records in their order, and compares each one with earlier ones."""

    def judge(self, records: Sequence[KafkaRecord], places: Sequence[str]) -> list[Finding]: ...


def check(judge: Judge, records: Iterable[tuple[str, KafkaRecord]]) -> Iterator[Finding]:
    """A finding for each record. Each record is given with its place."""
    rest = iter(records)
    while batch := list(islice(rest, BATCH)):
        yield from judge.judge([record for _, record in batch], [place for place, _ in batch])


class EventJudge:
    """Judges case events. Keeps a digest for each event id in memory."""

    def __init__(self, settings: Settings) -> None:
        self._calendar = BusinessCalendar(settings.time_zone)
        self._bounds = bounds_of(contracts_of(settings))
        self._decode = partial(decode, default_source=settings.plain_source)
        self._recorded: dict[EventId, Recorded] = {}
        self._conflicts: set[tuple[str, str, str]] = set()

    def judge(self, records: Sequence[KafkaRecord], places: Sequence[str]) -> list[Finding]:
        received = [datetime.now(UTC)] * len(records)
        candidates, refused = read_chunk(records, received, self._decode, self._calendar, self._bounds)
        sorted_ = deduplication.sort_among(
            candidates, self._recorded, lambda _: self._conflicts, lambda candidate: places[candidate.row]
        )
        refused += [each.refusal for each in sorted_.conflicts]
        found = {each.row: _rejected(places[each.row], each.rejection, each.effective_date) for each in refused}
        fresh = {each.row for each in sorted_.fresh}
        for each in candidates:
            verdict = Verdict.ACCEPTED if each.row in fresh else Verdict.DUPLICATE
            found.setdefault(each.row, _taken(places[each.row], verdict, each))
        return [found[row] for row in range(len(records))]


class TotalJudge:
    """Judges control totals. Keeps the count of each total in memory."""

    def __init__(self, settings: Settings) -> None:
        self._calendar = BusinessCalendar(settings.time_zone)
        self._contract = contracts_of(settings)[JUDGE]
        self._known: dict[TotalKey, Counted | ControlTotal] = {}

    def judge(self, records: Sequence[KafkaRecord], places: Sequence[str]) -> list[Finding]:
        decoded = [control_totals.judged(self._contract, self._calendar, record) for record in records]
        sorted_ = control_totals.sort_among(records, decoded, self._known)
        found = {each.row: _rejected(places[each.row], each.rejection, each.effective_date) for each in sorted_.refused}
        fresh = {row for row, _ in sorted_.accepted}
        for row, total in enumerate(decoded):
            if isinstance(total, ControlTotal):
                verdict = Verdict.ACCEPTED if row in fresh else Verdict.DUPLICATE
                counted = Finding(places[row], verdict, total.source, None, total.event_type, total.business_date)
                found.setdefault(row, counted)
        return [found[row] for row in range(len(records))]


def _taken(place: str, verdict: Verdict, candidate: Candidate) -> Finding:
    event = candidate.event
    return Finding(place, verdict, event.source, event.id, event.type.value, candidate.effective_date)


def _rejected(place: str, rejection: Rejection, day: date | None) -> Finding:
    return Finding(
        place,
        Verdict.REJECTED,
        rejection.source,
        rejection.event_id,
        rejection.event_type,
        day,
        rejection.reason,
        field_of(rejection),
        rejection.detail,
        REMEDIES[rejection.reason],
    )
