"""The standing checks that need Kafka, and how to run any of them. Not here: how answers are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from casegold.control import installation
from casegold.control.ingest import consumer_positions
from casegold.control.integrity import standing_checks
from casegold.control.integrity.standing_checks import Answer, Question
from casegold.operations import reconciliation

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

INGEST_CAUGHT_UP = Question(
    "ingest_caught_up",
    "bronze/case_events",
    "Every stable offset of the source topics is ingested.",
    "The sensors `domain_events` and `domain_totals` ask for ingests: see that they run, and `casegold runs`.",
)
EPOCHS = Question(
    "epochs_accepted",
    "bronze/case_events",
    "The source topics were neither recreated nor truncated since they were read.",
    "A topic was recreated or truncated: find out why, then `casegold source accept-epoch TOPIC --reason ...`.",
)

STALLED_AFTER_SECONDS = 600.0
"""A lag whose position moved within this time is being worked on: it is reported, without an alarm."""

CLOSE_LATENCY = timedelta(hours=24)
"""How long a date may stay open after its end. A contract's service level `latency` in hours overrides it."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one ingest has read one partition. `seconds_ago`: since the position moved; None if it never began."""

    dataset: str
    topic: str
    partition: int
    position: int
    end: int
    seconds_ago: float | None

    @property
    def backlog(self) -> int:
        return max(0, self.end - self.position)


@dataclass(frozen=True, slots=True)
class TopicLook:
    """A topic as one ingest finds it. `foreign` says how it differs from the topic that was read so far."""

    dataset: str
    topic: str
    places: tuple[Place, ...]
    foreign: str = ""


def answers(platform: Platform, questions: Sequence[Question]) -> Iterator[Answer]:
    """Run checks in order. Kafka is asked once, and only if a check needs it.

    Raises:
        SourceUnavailable: Postgres or Kafka does not answer; a missing answer is not a good answer.
    """
    looks = look_at_topics(platform) if {INGEST_CAUGHT_UP, EPOCHS}.intersection(questions) else []
    for question in questions:
        if question == INGEST_CAUGHT_UP:
            yield caught_up(looks)
        elif question == EPOCHS:
            yield epochs(looks)
        elif question == standing_checks.OVERDUE_CLOSES:
            now = installation.business_clock(platform.control).now()
            yield standing_checks.overdue_closes(platform.control, platform.calendar, now, close_latency(platform))
        elif question == standing_checks.UNDESCRIBED:
            yield standing_checks.undescribed(platform.control, platform.contracts)
        elif question in reconciliation.IN_LAKE:
            yield reconciliation.ask(platform, question)
        else:
            yield standing_checks.ask(platform.control, question)


def caught_up(looks: Sequence[TopicLook]) -> Answer:
    """The lag of both ingests: offsets that are not ingested yet."""
    behind = [place for look in looks for place in look.places if place.backlog]
    sample = tuple(_row(place) for place in behind[: standing_checks.MAX_SAMPLE])
    moving = all(place.seconds_ago is not None and place.seconds_ago < STALLED_AFTER_SECONDS for place in behind)
    return Answer(INGEST_CAUGHT_UP, sum(place.backlog for place in behind), sample, calm=moving)


def epochs(looks: Sequence[TopicLook]) -> Answer:
    """Topics that were recreated or truncated since they were read."""
    foreign = [{"dataset": look.dataset, "topic": look.topic, "found": look.foreign} for look in looks if look.foreign]
    return Answer(EPOCHS, len(foreign), tuple(foreign))


def close_latency(platform: Platform) -> timedelta:
    """The latency that the contract of the snapshots promises."""
    for level in platform.contracts[standing_checks.OVERDUE_CLOSES.dataset].service_levels:
        if level.name == "latency" and level.unit == "h":
            return timedelta(hours=float(level.value))
    return CLOSE_LATENCY


def look_at_topics(platform: Platform) -> list[TopicLook]:
    """Both source topics with our positions."""
    from casegold.jobs.ingest_pipelines import DATASETS  # noqa: PLC0415 - naming the checks must not load Kafka

    return [look_at_topic(platform, dataset) for dataset in DATASETS]


def look_at_topic(platform: Platform, dataset: str) -> TopicLook:
    """One source topic with our positions."""
    from casegold.jobs.ingest_pipelines import pipeline_of  # noqa: PLC0415
    from casegold.source.kafka import describe_topic  # noqa: PLC0415

    topic = pipeline_of(platform, dataset).topic
    state = describe_topic(platform.kafka_config, topic)
    with platform.control.read() as connection:
        epoch = consumer_positions.current_epoch(connection, topic)
        stored = consumer_positions.positions(connection, dataset, topic, 0 if epoch is None else epoch.epoch)
    places = []
    for partition, end in sorted(state.ends.items()):
        at = stored.get(partition)
        offset, seconds_ago = (state.starts[partition], None) if at is None else (at.offset, at.seconds_ago)
        places.append(Place(dataset, topic, partition, offset, end, seconds_ago))
    foreign = ""
    if epoch is not None and epoch.topic_id != state.topic_id:
        foreign = f"topic id {state.topic_id}, read so far was {epoch.topic_id}"
    elif truncated := [place for place in places if place.end < place.position]:
        foreign = f"partition {truncated[0].partition} ends at {truncated[0].end}, read was {truncated[0].position}"
    return TopicLook(dataset, topic, tuple(places), foreign)


def _row(place: Place) -> dict[str, Any]:
    return {
        "dataset": place.dataset,
        "topic": place.topic,
        "partition": place.partition,
        "position": place.position,
        "end": place.end,
        "waiting": place.backlog,
    }
