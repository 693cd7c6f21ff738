"""Commands for the source topics: positions and lag, and what only a person may accept.

Not here: sending (`load`), reading (`jobs.ingest`).
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from casegold.cli.arguments import reason_option
from casegold.cli.output import TABLE, Output, listed
from casegold.control.ingest import sources
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query
from casegold.jobs.ingest_pipelines import DATASETS, pipeline_of
from casegold.runtime.platform import Platform, open_platform
from casegold.stream import backfill_requests, publish_events

ROOM = "casegold.cli"


@click.group()
def source() -> None:
    """Show how far Kafka's topics are read; accept a recreated topic, or lost offsets.

    \b
    Examples:
      casegold source status
      casegold source accept-epoch regulatory.case.events.v2 --reason "recreated after the move"
    """


@source.command()
@listed()
def status(out: Output) -> None:
    """Show epoch, positions, end offsets and lag of each topic. Also shows offsets that are lost.

    \b
    Examples:
      casegold source status
      casegold source status --columns topic,partition,unread
      casegold source status --format json
    """
    from casegold.source.kafka import describe_topic  # noqa: PLC0415 - loads Kafka

    platform = open_platform()
    rows: list[tuple[object, ...]] = []
    problems: list[ConfigurationError] = []
    for topic, consumer in _consumers(platform).items():
        state = describe_topic(platform.kafka_config, topic)
        with platform.control.read() as connection:
            found = sources.look(connection, consumer, state)
        rows += [
            (consumer, topic, found.epoch or None, each.partition, each.position, each.end, each.lag, *_gap(each))
            for each in found.places
        ]
        if found.problem is not None:
            problems.append(found.problem)
    out.rows(
        "Topics",
        ("read by", "topic", "epoch#", "partition#", "position#", "end#", "unread#", "lost from#", "lost to#"),
        rows,
        empty="",
    )
    for problem in problems:
        out.say(f"\n{problem}")
    if out.form == TABLE and any(True for _ in _losses(platform)):
        click.echo("\nSome offsets were accepted as lost: `casegold source losses` lists them.", err=True)


@source.command()
@listed(limit=100)
def losses(out: Output) -> None:
    """List lost offsets, and who accepted the loss. Kafka deleted them before they were read.

    \b
    Examples:
      casegold source losses
      casegold source losses --format json
    """
    out.rows(
        "Offsets accepted as lost",
        ("topic", "epoch#", "partition#", "first offset#", "last offset#", "accepted", "accepted by", "reason"),
        _losses(open_platform(), out.limit),
        empty="No offsets were accepted as lost.",
    )


def _gap(place: sources.Place) -> tuple[int | None, int | None]:
    """The first and last lost offset that nobody has accepted yet."""
    return (place.position, place.kept_from - 1) if place.position < place.kept_from else (None, None)


def _losses(platform: Platform, limit: int | None = None) -> Iterator[tuple[object, ...]]:
    for row in platform.control.rows(query(ROOM, "loss_list"), {"limit": limit}):
        place = row["topic"], row["epoch"], row["kafka_partition"]
        yield (
            *place,
            row["start_offset"],
            row["end_offset"] - 1,
            row["accepted_at"],
            row["accepted_by"],
            row["reason"],
        )


@source.command("accept-epoch")
@click.argument("topic")
@reason_option
def accept_epoch(topic: str, reason: str) -> None:
    """Read a recreated TOPIC from its beginning. Also for a topic whose end was truncated.

    Facts that arrive again count once: ingest deduplicates by event id.

    \b
    Examples:
      casegold source accept-epoch regulatory.case.events.v2 --reason "recreated after the move"
    """
    from casegold.source.kafka import describe_topic  # noqa: PLC0415 - loads Kafka

    platform = open_platform()
    _consumer(platform, topic)
    epoch = sources.accept_epoch(platform.control, describe_topic(platform.kafka_config, topic), reason)
    click.echo(f"{topic} is read from its beginning, as epoch {epoch}")


@source.command("accept-loss")
@click.argument("topic")
@reason_option
def accept_loss(topic: str, reason: str) -> None:
    """Continue after lost offsets of TOPIC. Kafka deleted them before they were read; they stay recorded as lost.

    \b
    Examples:
      casegold source accept-loss regulatory.case.events.v2 --reason "retention was one day by mistake"
    """
    from casegold.source.kafka import describe_topic  # noqa: PLC0415 - loads Kafka

    platform = open_platform()
    state = describe_topic(platform.kafka_config, topic)
    consumer = _consumer(platform, topic)
    for partition, first, last in sources.accept_loss(platform.control, consumer, state, reason):
        click.echo(f"{topic}/{partition}: offsets {first} to {last} are lost ({last - first + 1})")


def _consumers(platform: Platform) -> dict[str, str]:
    """Every topic that the platform reads, with the dataset or consumer that reads it."""
    ingested = {pipeline_of(platform, dataset).topic: dataset for dataset in DATASETS}
    settings = platform.settings
    return ingested | {
        f"{settings.outbox_topic_prefix}dataset": publish_events.CONSUMER,
        settings.backfill_requests_topic: backfill_requests.CONSUMER,
    }


def _consumer(platform: Platform, topic: str) -> str:
    known = _consumers(platform)
    if topic not in known:
        raise ConfigurationError(f"{topic} is no topic that casegold reads", remedy=f"it reads {', '.join(known)}")
    return known[topic]


commands = (source,)
