"""Sends to the topics of a test's installation and runs its ingests, as the sensors would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from casegold.control.ingest import commits
from casegold.control.model import Attempt
from casegold.control.runs import attempts
from casegold.domain.events import EVENT_TYPES
from casegold.jobs.batch_job import execute
from casegold.jobs.ingest_pipelines import pipeline_of
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform
from casegold.source.kafka import describe_topic
from casegold.source.producer import RecordSender
from casegold.source.totals import ControlTotal

SOURCE = "urn:regulator:case-system"
TOTALS = "bronze/control_totals"
EVENTS = "silver/case_events"
AS_OF = datetime(2026, 4, 1, 12, tzinfo=UTC)


def total(day: date, kind: str = "CaseOpened", count: int = 0, revision: int = 1, source: str = SOURCE) -> ControlTotal:
    return ControlTotal(source, day, kind, count, AS_OF, revision)


def totals_of(days: Iterable[date], source: str = SOURCE) -> list[ControlTotal]:
    """A total of nothing for every type."""
    return [total(day, kind, source=source) for day in days for kind in EVENT_TYPES]


def send_totals(platform: Platform, totals: Iterable[ControlTotal]) -> None:
    send(platform, platform.settings.totals_topic, [(each.key(), each.value()) for each in totals])


def send(platform: Platform, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
    with RecordSender(platform.kafka_config) as sender:
        for key, value in records:
            sender.send(topic, key, value)


def next_attempt(platform: Platform, dataset: str) -> Attempt | None:
    """The next attempt at what the topic holds now; None when everything was read."""
    pipeline = pipeline_of(platform, dataset)
    manifest = commits.plan(platform.control, pipeline, describe_topic(platform.kafka_config, pipeline.topic), "test")
    if manifest is None:
        return None
    with platform.control.write("by a test") as connection:
        connection.execute("update run_attempt set not_before = now()")  # a test does not wait for a backoff
        attempt = attempts.next_attempt(connection, manifest.run_id, "test")
    assert attempt is not None
    return attempt


def read(platform: Platform, dataset: str) -> Outcome:
    """Ingest once what the topic holds now."""
    attempt = next_attempt(platform, dataset)
    assert attempt is not None
    return execute(platform, attempt.run_id, attempt.attempt, "test")


def rows(platform: Platform, dataset: str) -> list[dict[str, Any]]:
    """All rows of a dataset in the lake."""
    found: list[dict[str, Any]] = platform.lake.table(dataset).scan().to_arrow().to_pylist()
    return found
