"""Sending to Kafka: every record is acknowledged by all in-sync replicas, once and in order, or an error says so."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from casegold.domain.errors import SourceUnavailable
from casegold.source.codec import Headers

DELIVERY_SECONDS = 120
CONNECT_SECONDS = 0.02
_FOR_MANY: dict[str, str | int | bool] = {
    "linger.ms": 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 100_000,
    # Successes are counted by the emptied queue: a callback for each would halve the rate.
    "delivery.report.only.error": True,
}


def idempotent_producer(config: Mapping[str, Any]) -> Producer:
    """A producer whose records arrive once and in the order of their partition, also over its retries.

    Its first requests get a moment: librdkafka lets a record that is queued before them wait for half a second.
    """
    producer = Producer({**config, "enable.idempotence": True, "acks": "all"})
    producer.poll(CONNECT_SECONDS)
    return producer


class RecordSender:
    """An idempotent producer. Use as a context manager: leaving it without an error waits for every acknowledgement."""

    def __init__(self, config: dict[str, str | int]) -> None:
        self._failed = 0
        self._first_failure = ""
        self._last_broker_error = ""
        self._producer = idempotent_producer(
            {
                **config,
                **_FOR_MANY,
                "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
                "error_cb": self._broker_error,
            }
        )
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self._producer.purge()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp: datetime | None = None,
    ) -> None:
        """Queue a record; blocks while the queue is full. Raises SourceUnavailable if an earlier one failed.

        Args:
            timestamp: of the record; None = now.
        """
        arguments: dict[str, Any] = {"key": key, "value": value, "on_delivery": self._report}
        if timestamp is not None:
            arguments["timestamp"] = int(timestamp.timestamp() * 1000)
        if headers:
            arguments["headers"] = list(headers)
        deadline = time.monotonic() + DELIVERY_SECONDS + 30
        while True:
            try:
                self._producer.produce(topic, **arguments)
                break
            except BufferError as error:
                self._producer.poll(0.5)
                self._refuse_failures()
                if time.monotonic() > deadline:
                    raise self._unavailable(f"the queue stayed full: {error}") from error
            except KafkaException as error:
                raise self._unavailable(f"topic {topic}: {error}") from error
        self.sent += 1
        if self.sent % 1000 == 0:
            self._producer.poll(0)
            self._refuse_failures()

    def flush(self) -> None:
        """Wait until every record is acknowledged. Raises SourceUnavailable naming topic and count otherwise."""
        left = self._producer.flush(DELIVERY_SECONDS + 30)
        self._refuse_failures()
        if left:
            raise self._unavailable(f"{left} records were not acknowledged")

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._first_failure = self._first_failure or f"topic {message.topic()}: {error}"

    def _broker_error(self, error: KafkaError) -> None:
        """Brokers that are away are waited for; the text explains a delivery that then fails."""
        self._last_broker_error = str(error)

    def _refuse_failures(self) -> None:
        if self._failed:
            raise self._unavailable(f"{self._failed} records failed, the first on {self._first_failure}")

    def _unavailable(self, problem: str) -> SourceUnavailable:
        seen = f" (brokers: {self._last_broker_error})" if self._last_broker_error else ""
        return SourceUnavailable(
            f"Kafka did not take everything: {problem}{seen}",
            remedy="look at `casegold status`, then send again: ids are stable, what arrived twice counts once",
        )
