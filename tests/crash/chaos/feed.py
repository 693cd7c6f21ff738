"""A case system that never stops: dates one after the other, then late facts, each wave with duplicates and poison.

Whatever the broker does not acknowledge is sent again, as a producer does. Not here: what becomes of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar, days
from casegold.domain.errors import SourceUnavailable
from casegold.domain.events import DEFAULT_SOURCE, CaseEscalated, CaseEvent, EventType
from casegold.domain.payload import payload_json
from casegold.runtime.settings import Settings
from casegold.source.loading import EncodingMix, Range, send_event, send_totals
from casegold.source.producer import RecordSender
from casegold.source.simulate import Plan, Sent, simulate
from casegold.source.totals import Tally

MIX = EncodingMix(0.3, 0.3)
WAVE_CASES, WAVE_DAYS = 8, 5
TOO_LATE_DAYS = 10
SECONDS_BETWEEN = (4.0, 16.0)
LONGEST_OUTAGE_SECONDS = 300.0


class Feed(threading.Thread):
    """Sends until it is told to stop; `sent` are all events in the order of the first try."""

    def __init__(self, settings: Settings, calendar: BusinessCalendar, plan: Plan, seed: int, pace: float) -> None:
        super().__init__(name="feed", daemon=True)
        self._settings, self._calendar, self._plan = settings, calendar, plan
        self._chance = random.Random(f"feed {seed}")
        self._pace = pace
        self._tally = Tally(DEFAULT_SOURCE, calendar)
        self._told_to_stop = threading.Event()
        self._revision = 1
        self.sent: list[CaseEvent] = []
        self.poison = 0
        self.held: CaseEvent | None = None
        """The fact that came too late to be in any figure by itself."""
        self.error: BaseException | None = None

    def stop(self) -> None:
        """Let it finish the wave that it is in; the dates are all sent. Raises what ended it before."""
        self._told_to_stop.set()
        self.join(LONGEST_OUTAGE_SECONDS)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        try:
            self._dates()
            while not self._told_to_stop.is_set():
                self._wave()
                if self.held is None and self._all_closed():
                    self.send_too_late()
                self._told_to_stop.wait(self._pace * self._chance.uniform(*SECONDS_BETWEEN))
        except BaseException as error:  # noqa: BLE001 - told to the test by `stop`
            self.error = error

    def _dates(self) -> None:
        """The dates of the plan, each with its totals once all its events are there; at once when told to stop."""
        waiting = list(simulate(self._plan))
        for day in days(self._plan.first, self._plan.until):
            end = self._calendar.end_of(day)
            now: list[Sent] = []
            while waiting and (day == self._plan.until or waiting[0].event is None or _until(waiting[0], end)):
                now.append(waiting.pop(0))
            self._send(now, Range(day, day, self._plan.as_of))
            self._told_to_stop.wait(self._pace * self._chance.uniform(*SECONDS_BETWEEN))

    def _wave(self) -> None:
        """New cases in the last days, most of them closed: late facts within grace; then new totals of these days."""
        self._revision += 1
        plan = Plan(
            WAVE_CASES,
            WAVE_DAYS,
            self._revision,
            self._plan.until,
            self._calendar,
            duplicates=0.1,
            out_of_order=0.1,
            conflicting=0.05,
            settled=True,
            poison=0.05,
        )
        self._send(list(simulate(plan)), Range(plan.first, plan.until, plan.as_of, self._revision))

    def _send(self, records: list[Sent], span: Range) -> None:
        for each in records:
            if each.event is None:
                self.poison += 1
                continue
            self.sent.append(each.event)
            if each.counted:
                self._tally.add(each.event)
        self._until_acknowledged(records, span)

    def _until_acknowledged(self, records: Iterable[Sent], span: Range | None) -> None:
        deadline = datetime.now(UTC) + timedelta(seconds=LONGEST_OUTAGE_SECONDS)
        while True:
            try:
                with RecordSender(self._settings.kafka_config() | {"log_level": 0}) as sender:
                    for each in records:
                        self._send_record(sender, each)
                    if span is not None:
                        send_totals(sender, self._settings.totals_topic, self._tally, span)
                return
            except SourceUnavailable:
                if datetime.now(UTC) > deadline:
                    raise
                self._told_to_stop.wait(1)

    def _send_record(self, sender: RecordSender, each: Sent) -> None:
        topic = self._settings.events_topic
        if each.event is None:
            sender.send(topic, each.key, each.poison)
        else:
            send_event(sender, topic, each.event, MIX.choose(self._chance), self._settings.plain_source)

    def send_too_late(self) -> None:
        """Where all dates are closed: a fact beyond the grace window, of a case that is in their figures."""
        opened = next(each for each in self.sent if each.type is EventType.CASE_OPENED)
        data = CaseEscalated(level=9, reason="too late")
        self.held = CaseEvent(
            source=DEFAULT_SOURCE,
            id="too-late",
            type=EventType.CASE_ESCALATED,
            case_id=opened.case_id,
            occurred_at=self._calendar.end_of(self._plan.until - timedelta(days=TOO_LATE_DAYS)) - timedelta(hours=12),
            emitted_at=self._plan.as_of + timedelta(hours=12),
            data=data,
            data_json=payload_json(data),
        )
        self._until_acknowledged([Sent(self.held)], None)

    def _all_closed(self) -> bool:
        try:
            control = ControlDb(self._settings.control_url())
            (row,) = control.rows("select count(*) as closed from day_close")
        except SourceUnavailable:
            return False
        return bool(row["closed"] == self._plan.days)


def _until(sent: Sent, end: datetime) -> bool:
    return sent.event is not None and sent.event.occurred_at < end
