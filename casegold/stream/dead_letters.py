"""Dead letters of stream consumers: records that a consumer cannot process, kept for people.

Not here: rejected records of the ingests (`jobs.dead_letters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casegold.domain.errors import SourceUnavailable
from casegold.domain.failpoints import durable
from casegold.source.codec import Headers, KafkaRecord
from casegold.source.producer import idempotent_producer

FLUSH_SECONDS = 5.0


def set_aside(kafka: Mapping[str, Any], topic: str, consumer: str, records: Sequence[tuple[KafkaRecord, str]]) -> None:
    """Send records to the dead-letter topic, each with its place and the reason why it was not processed.

    Raises:
        SourceUnavailable: the topic did not take all of them.
    """
    failed: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(str(error))

    with idempotent_producer("dead-letters", kafka) as lent:
        for record, reason in records:
            headers: list[tuple[str, str | bytes | None]] = [*record.headers, *_origin(record, consumer, reason)]
            lent.client.produce(topic, key=record.key, value=record.value, headers=headers, on_delivery=delivered)
        with durable("letters-send", SourceUnavailable):
            left = lent.client.flush(FLUSH_SECONDS)
        lent.keep = not failed
    if failed or left:
        raise SourceUnavailable(
            f"{len(failed) + left} dead letters were not taken by {topic}: {next(iter(failed), 'no answer in time')}",
            remedy="they are sent again at the next tick; `casegold status` shows the broker",
        )


def _origin(record: KafkaRecord, consumer: str, reason: str) -> Headers:
    origin = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "stage": consumer,
        "exception.message": reason,
    }
    return tuple((f"__connect.errors.{name}", str(value).encode()) for name, value in origin.items())
