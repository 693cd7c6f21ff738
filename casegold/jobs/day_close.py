"""Closes business dates. Level-triggered, safe to call concurrently, and cheap when no date can close.

The order of reads matters: first signals, then the topic's end offsets, last silver's positions. Not here: the control
state of closes (`control.days.day_close`), and computing what a close makes due (planner).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from casegold.control import installation
from casegold.control.days import day_close
from casegold.control.days.day_close import Barrier, Rules
from casegold.control.db import Connection, Lock, take_lock
from casegold.control.ingest import commits, consumer_positions
from casegold.control.ingest.consumer_positions import Epoch
from casegold.domain.calendar import last_date_over
from casegold.domain.contract import Signal
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import EVENT_TYPES
from casegold.domain.sql import query
from casegold.jobs.views import engine
from casegold.runtime.contracts import JUDGE
from casegold.runtime.platform import Platform
from casegold.source.kafka import TopicState, describe_topic

ROOM = "casegold.jobs"

SILVER = "silver/case_events"

PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DayCloseReport:
    """The dates that this call closed, the next date that has ended but is open (if any), and what it waits for."""

    closed: tuple[date, ...]
    next_date: date | None
    waits_for: str


def close_days(platform: Platform) -> DayCloseReport:
    """Close every date that has ended, has all signals of its sources, and is in silver up to its barrier.

    Raises:
        SourceUnavailable: Postgres, Kafka or the lake does not answer; dates that are closed stay closed.
    """
    rules, last_over = rules_of(platform), last_over_of(platform)
    with platform.control.read() as connection:
        within = day_close.open_dates(connection, rules, last_over)
        epoch = consumer_positions.current_epoch(connection, platform.settings.events_topic)
    if within is None or epoch is None:
        return status(platform)
    signalled_until = min([last_over, *(day - timedelta(days=1) for day in _watermarks(platform, epoch))])
    with platform.control.read() as connection:
        signalled = {
            day: signals
            for day, signals in day_close.without_barrier(connection, rules, within, epoch).items()
            if day <= signalled_until
        }
    if signalled:
        barrier = read_barrier(platform, epoch)
        with platform.control.write("day-barrier") as connection:
            day_close.set_barrier(connection, signalled, barrier)
    with platform.control.write("day-close") as connection:
        closed = day_close.close(connection, rules, last_over, epoch)
    return status(platform, tuple(closed))


def rules_of(platform: Platform) -> Rules:
    """What every date waits for, by contract. Only required sources count."""
    contract = platform.contracts[JUDGE]
    required = [source for source in contract.sources if source.required]
    return Rules(
        contract.first_date,
        tuple(each.source for each in required if each.signal is Signal.CONTROL_TOTALS),
        EVENT_TYPES,
        tuple((each.source, each.signal.value) for each in required if each.signal is not Signal.CONTROL_TOTALS),
    )


def last_over_of(platform: Platform) -> date:
    """The latest date that has ended by the business clock."""
    return last_date_over(platform.calendar, installation.business_clock(platform.control))


def read_barrier(platform: Platform, epoch: Epoch) -> Barrier:
    """The current end offsets of the events topic.

    Raises:
        ConfigurationError: the topic was recreated, or it ends before what was read.
    """
    found = describe_topic(platform.kafka_config, epoch.topic)
    with platform.control.read() as connection:
        reached = commits.positions(connection, SILVER, epoch.topic, epoch.epoch)
    _refuse_another(found, epoch, reached)
    return Barrier(epoch, found.ends)


def _refuse_another(found: TopicState, epoch: Epoch, reached: dict[int, int]) -> None:
    truncated = [partition for partition, position in reached.items() if found.ends.get(partition, 0) < position]
    if found.topic_id != epoch.topic_id or truncated:
        raise ConfigurationError(
            f"{epoch.topic} is not the topic that was read so far: no date can close",
            remedy=f"find out what happened; then `casegold source accept-epoch {epoch.topic} --reason ...`",
        )


def _watermarks(platform: Platform, epoch: Epoch) -> list[date]:
    """For each source with a watermark: the date that all partitions have reached. Earlier dates are signalled."""
    sources = [source for source, signal in rules_of(platform).others if signal == Signal.WATERMARK.value]
    if not sources:
        return []
    with platform.control.read() as connection:
        partitions = set(commits.positions(connection, SILVER, epoch.topic, epoch.epoch))
    watermarks = []
    with engine(platform) as duck:
        platform.lake.register(duck, "silver_case_events", SILVER)
        for source in sources:
            parameters = {"source": source, "topic_id": epoch.topic_id}
            latest = dict(duck.execute(query(ROOM, "watermarks"), parameters).fetchall())
            watermarks.append(min((latest.get(partition, date.min) for partition in partitions), default=date.min))
    return [max(each, date.min + timedelta(days=1)) for each in watermarks]


def status(platform: Platform, closed: tuple[date, ...] = ()) -> DayCloseReport:
    """The next date that has ended but is open, and what it waits for. Reads control state only."""
    rules = rules_of(platform)
    with platform.control.read() as connection:
        within = day_close.open_dates(connection, rules, last_over_of(platform))
        if within is None:
            why = "" if day_close.latest(connection) else "no source has counted a date that is over"
            return DayCloseReport(closed, None, why)
        epoch = consumer_positions.current_epoch(connection, platform.settings.events_topic)
        if epoch is None:
            return DayCloseReport(closed, within.first, "the events topic was not read yet")
        missing = day_close.missing(connection, rules, within.first)
        if missing:
            return DayCloseReport(closed, within.first, f"control totals of {_listed(missing)}")
        barrier = day_close.stored_barrier(connection, within.first, epoch)
        if barrier is None:
            return DayCloseReport(closed, within.first, "its other signals, or the end offsets of the events topic")
        ahead = day_close.not_reached(connection, barrier)
    return DayCloseReport(closed, within.first, f"silver to read {ahead} more offsets" if ahead else "the next tick")


def _listed(missing: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(
        source if len(types) == len(EVENT_TYPES) else f"{source} for {', '.join(types)}"
        for source, types in missing.items()
    )


def close_overdue(
    platform: Platform, day: date, reason: str, wait_seconds: float, say: Callable[[str], None] = lambda _: None
) -> None:
    """Close a date for a person, although its signals are missing: in order, and once silver has all that was sent.

    Args:
        wait_seconds: how long to wait for ingest to reach the current end of the events topic.

    Raises:
        ConfigurationError: the date has not ended or is not the next one, or silver did not get there in time.
    """
    rules, last_over = rules_of(platform), last_over_of(platform)
    with platform.control.read() as connection:
        _refuse_out_of_order(connection, day, rules, last_over)
        epoch = consumer_positions.current_epoch(connection, platform.settings.events_topic)
    if epoch is None:
        raise ConfigurationError("the events topic was not read yet: nothing can close", remedy="run the ingest first")
    barrier = read_barrier(platform, epoch)
    _await(platform, barrier, wait_seconds, say)
    with platform.control.write("day-close-by-hand") as connection:
        take_lock(connection, Lock.REGISTER)
        _refuse_out_of_order(connection, day, rules, last_over)
        missing = day_close.missing(connection, rules, day)
        signals: day_close.Signals = [
            {"source": source, "signal": Signal.CONTROL_TOTALS.value, "missing": missing.get(source, [])}
            for source in rules.counting
        ]
        day_close.close_by_hand(connection, day, barrier, signals, reason)


def _refuse_out_of_order(connection: Connection, day: date, rules: Rules, last_over: date) -> None:
    if day > last_over:
        raise ConfigurationError(f"{day} is not over: the latest date that is over is {last_over}")
    within = day_close.open_dates(connection, rules, last_over)
    if within is None and day_close.latest(connection) is None and day >= rules.first_date:
        return  # no source ever sent a total: the person chooses where the register begins
    if within is None or day != within.first:
        expected = "none" if within is None else within.first
        raise ConfigurationError(
            f"{day} is not the next date to close: {expected} is", remedy="dates close in order, without gaps"
        )


def _await(platform: Platform, barrier: Barrier, wait_seconds: float, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        with platform.control.read() as connection:
            ahead = day_close.not_reached(connection, barrier)
        if ahead == 0:
            return
        if time.monotonic() >= deadline:
            raise ConfigurationError(
                f"silver has {ahead} offsets to read before a date can close",
                remedy="see that the ingest runs: `casegold runs list --dataset silver/case_events`; then ask again",
            )
        say(f"waiting for silver: {ahead} offsets")
        time.sleep(PAUSE_SECONDS)
