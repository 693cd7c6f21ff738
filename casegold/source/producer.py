"""Sends to Kafka: all in-sync replicas acknowledge every record, once and in order, or the sender raises an error."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from casegold.domain.errors import SourceUnavailable
from casegold.source import clients
from casegold.source.codec import Headers

DELIVERY_SECONDS = 120
CONNECT_SECONDS = 0.02
_FOR_MANY: dict[str, str | int | bool] = {
    "linger.ms": 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 100_000,
    # An empty queue proves success: a callback per record would halve the rate.
    "delivery.report.only.error": True,
}


@contextmanager
def idempotent_producer(purpose: str, config: Mapping[str, Any]) -> Iterator[clients.Lent[Producer]]:
    """Borrow a producer whose records arrive once and in partition order, retries included.

    It is reused for the same purpose if every record was acknowledged; otherwise set `keep` to False. A new producer
    first polls for a moment to connect: librdkafka delays records queued before that by half a second.
    """
    with clients.producer(purpose, {**config, "enable.idempotence": True, "acks": "all"}) as lent:
        lent.client.poll(CONNECT_SECONDS)
        yield lent


class RecordSender:
    """An idempotent producer as a context manager: leaving it without an error waits for every acknowledgement."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = {**config, **_FOR_MANY, "delivery.timeout.ms": DELIVERY_SECONDS * 1000}
        self._failed = 0
        self._first_failure = ""
        self._stack = ExitStack()
        self.sent = 0

    def __enter__(self) -> Self:
        self._lent = self._stack.enter_context(idempotent_producer("sender", self._config))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self.flush()
            else:
                self._lent.keep = False

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
            timestamp: timestamp of the record; None = now.
        """
        arguments: dict[str, Any] = {"key": key, "value": value, "on_delivery": self._report}
        if timestamp is not None:
            arguments["timestamp"] = int(timestamp.timestamp() * 1000)
        if headers:
            arguments["headers"] = list(headers)
        deadline = time.monotonic() + DELIVERY_SECONDS + 30
        while True:
            try:
                self._lent.client.produce(topic, **arguments)
                break
            except BufferError as error:
                self._lent.client.poll(0.5)
                self._refuse_failures()
                if time.monotonic() > deadline:
                    raise self._unavailable(f"the queue stayed full: {error}") from error
            except KafkaException as error:
                raise self._unavailable(f"topic {topic}: {error}") from error
        self.sent += 1
        if self.sent % 1000 == 0:
            self._lent.client.poll(0)
            self._refuse_failures()

    def flush(self) -> None:
        """Wait until every record is acknowledged. Raises SourceUnavailable with topic and count otherwise."""
        left = self._lent.client.flush(DELIVERY_SECONDS + 30)
        self._refuse_failures()
        if left:
            raise self._unavailable(f"{left} records were not acknowledged")

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._first_failure = self._first_failure or f"topic {message.topic()}: {error}"

    def _refuse_failures(self) -> None:
        if self._failed:
            raise self._unavailable(f"{self._failed} records failed, the first on {self._first_failure}")

    def _unavailable(self, problem: str) -> SourceUnavailable:
        # The client waits for unreachable brokers; their last error explains a delivery that then fails.
        seen = f" (brokers: {self._lent.errors.last})" if self._lent.errors.last else ""
        return SourceUnavailable(
            f"Kafka did not accept every record: {problem}{seen}",
            remedy="look at `casegold status`, then send again: ids are stable, so duplicates count once",
        )
