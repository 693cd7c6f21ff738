"""Sends events and then their control totals: in this order, an interrupted load cannot close a day.

Not here: where the events come from, and the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from casegold.domain.events import CaseEvent
from casegold.source.codec import Encoding, encode
from casegold.source.producer import RecordSender
from casegold.source.totals import ControlTotal, Tally


@dataclass(frozen=True, slots=True)
class EncodingMix:
    """Shares of the CloudEvents encodings; the rest is plain."""

    binary: float = 0.0
    structured: float = 0.0

    def choose(self, random: Random) -> Encoding:
        point = random.random()
        if point < self.binary:
            return Encoding.BINARY
        return Encoding.STRUCTURED if point < self.binary + self.structured else Encoding.PLAIN


@dataclass(frozen=True, slots=True)
class Range:
    """The dates that control totals are sent for, and when they were taken."""

    first: date
    last: date
    as_of: datetime
    revision: int = 1
    wrong: date | None = None

    def totals(self, tally: Tally) -> Iterable[ControlTotal]:
        return tally.totals(self.first, self.last, as_of=self.as_of, revision=self.revision, wrong=self.wrong)


def send_event(sender: RecordSender, topic: str, event: CaseEvent, encoding: Encoding, default_source: str) -> None:
    """Send one event. An event from another source than the default is sent as a structured CloudEvent, never plain."""
    if encoding is Encoding.PLAIN and event.source != default_source:
        encoding = Encoding.STRUCTURED
    record = encode(event, encoding, default_source=default_source)
    sender.send(topic, record.key, record.value, record.headers)


def send_totals(sender: RecordSender, topic: str, tally: Tally, span: Range) -> int:
    """Wait until every record so far is acknowledged, then send the totals. Returns their number."""
    sender.flush()
    sent = 0
    for total in span.totals(tally):
        sender.send(topic, total.key(), total.value())
        sent += 1
    sender.flush()
    return sent
