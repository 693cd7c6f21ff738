"""Kafka clients that live as long as their process: whoever needs one borrows it and gives it back.

A client that failed is not lent again. One configuration of a kind is kept: another one, such as that of a broker which
came back at another address, ends the clients of the former. What librdkafka has to say goes to the logger
`casegold.kafka`. Consumers are new for each read, because one that read before still holds records of its former ranges
(docs/decisions/0027). Not here: what is asked of a client.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

log = logging.getLogger("casegold.kafka")

Client = TypeVar("Client", AdminClient, Producer)


@dataclass
class BrokerErrors:
    """The last thing that was wrong with a broker since a client was borrowed."""

    last: str = ""

    def note(self, error: KafkaError) -> None:
        self.last = str(error)


@dataclass
class Lent(Generic[Client]):
    """A client while it is ours. Set `keep` to False where it should not be lent again.

    Hold this, not the client: it ends with its last reference, which the frames of an error would keep.
    """

    client: Client
    errors: BrokerErrors
    keep: bool = True


@dataclass
class _Shelf:
    """The clients of one kind that nobody uses now; all have the same configuration."""

    config: Mapping[str, Any]
    idle: list[Lent[Any]] = field(default_factory=list)


_lock = threading.Lock()
_shelves: dict[str, _Shelf] = {}


@contextmanager
def admin(config: Mapping[str, Any]) -> Iterator[Lent[AdminClient]]:
    """An admin client, nobody else's until the block ends."""
    with _lent("admin", config, AdminClient) as lent:
        yield lent


@contextmanager
def producer(purpose: str, config: Mapping[str, Any]) -> Iterator[Lent[Producer]]:
    """A producer, nobody else's until the block ends. It is kept if nothing that was sent is still unanswered."""
    with _lent(purpose, config, Producer) as lent:
        yield lent
        lent.keep = lent.keep and not len(lent.client)


def consumer(config: Mapping[str, Any]) -> Consumer:
    """A new consumer; whoever asks closes it."""
    log.debug("a new Kafka client: consumer")
    return Consumer({"client.id": "casegold-consumer", **config}, logger=log)


@contextmanager
def _lent(kind: str, config: Mapping[str, Any], make: type[Client]) -> Iterator[Lent[Client]]:
    lent = _take(kind, config) or _made(kind, config, make)
    # Delivers what librdkafka had to say while nobody listened.
    lent.client.poll(0)
    lent.errors.last = ""
    try:
        yield lent
    except BaseException:
        lent.keep = False
        raise
    finally:
        lent.client.poll(0)
        _give_back(kind, config, lent)


def _made(kind: str, config: Mapping[str, Any], make: type[Client]) -> Lent[Client]:
    log.debug("a new Kafka client: %s", kind)
    errors = BrokerErrors()
    properties: dict[str, Any] = {"client.id": f"casegold-{kind}", **config, "error_cb": errors.note}
    return Lent(make(properties, logger=log), errors)


def _take(kind: str, config: Mapping[str, Any]) -> Lent[Any] | None:
    former: list[Lent[Any]] = []
    with _lock:
        shelf = _shelves.get(kind)
        if shelf is None or shelf.config != config:
            former = shelf.idle if shelf else []
            _shelves[kind] = shelf = _Shelf(dict(config))
        found = shelf.idle.pop() if shelf.idle else None
    for each in former:
        _end(each)
    return found


def _give_back(kind: str, config: Mapping[str, Any], lent: Lent[Any]) -> None:
    with _lock:
        shelf = _shelves.get(kind)
        if lent.keep and shelf is not None and shelf.config == config:
            shelf.idle.append(lent)
            return
    _end(lent)


def _end(lent: Lent[Any]) -> None:
    """End a client's threads and connections, without waiting for what it has not sent."""
    if isinstance(lent.client, Producer):
        lent.client.purge()
    del lent.client  # its last reference: librdkafka ends with the object


def end_all() -> None:
    """End every client that is not lent: at the end of the process, and where a test counts what is left."""
    with _lock:
        left = [each for shelf in _shelves.values() for each in shelf.idle]
        _shelves.clear()
    for each in left:
        _end(each)


def _forget() -> None:
    """In a child made by `fork`: the clients' threads are not in it, and ending such a client ends the child badly."""
    global _lock  # noqa: PLW0603 - whoever held it is not in this process
    _lock = threading.Lock()
    for shelf in _shelves.values():
        for each in shelf.idle:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(each.client))  # never freed
    _shelves.clear()


atexit.register(end_all)
os.register_at_fork(after_in_child=_forget)
