"""A pool of Kafka clients for the lifetime of the process: callers borrow a client and return it.

A client that failed is not reused. The pool keeps one configuration per kind: a new one, such as the new address of a
broker, closes the clients of the old one. librdkafka logs to the logger `casegold.kafka`. Each read gets a new
consumer, because a used one still holds records of its former ranges (docs/decisions/0027). Not here: requests.
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
    """The last broker error since the client was borrowed."""

    last: str = ""

    def note(self, error: KafkaError) -> None:
        self.last = str(error)


@dataclass
class Lent(Generic[Client]):
    """A borrowed client. Set `keep` to False if it must not be reused.

    Hold this object, not the client: a client closes with its last reference, and a traceback would keep one alive.
    """

    client: Client
    errors: BrokerErrors
    keep: bool = True


@dataclass
class _Shelf:
    """The idle clients of one kind; all have the same configuration."""

    config: Mapping[str, Any]
    idle: list[Lent[Any]] = field(default_factory=list)


_lock = threading.Lock()
_shelves: dict[str, _Shelf] = {}


@contextmanager
def admin(config: Mapping[str, Any]) -> Iterator[Lent[AdminClient]]:
    """Borrow an admin client for the block, exclusively."""
    with _lent("admin", config, AdminClient) as lent:
        yield lent


@contextmanager
def producer(purpose: str, config: Mapping[str, Any]) -> Iterator[Lent[Producer]]:
    """Borrow a producer for the block, exclusively. It is reused only if no record is still unacknowledged."""
    with _lent(purpose, config, Producer) as lent:
        yield lent
        lent.keep = lent.keep and not len(lent.client)


def consumer(config: Mapping[str, Any]) -> Consumer:
    """A new consumer; the caller closes it."""
    log.debug("a new Kafka client: consumer")
    return Consumer({"client.id": "casegold-consumer", **config}, logger=log)


@contextmanager
def _lent(kind: str, config: Mapping[str, Any], make: type[Client]) -> Iterator[Lent[Client]]:
    lent = _take(kind, config) or _made(kind, config, make)
    # Delivers the callbacks that librdkafka queued while the client was idle.
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
    """Close a client's threads and connections without waiting for unsent records."""
    if isinstance(lent.client, Producer):
        lent.client.purge()
    del lent.client  # the last reference: librdkafka closes the client with the object


def end_all() -> None:
    """Close every idle client: at the end of the process, and in tests that count the remaining ones."""
    with _lock:
        left = [each for shelf in _shelves.values() for each in shelf.idle]
        _shelves.clear()
    for each in left:
        _end(each)


def _forget() -> None:
    """Drop the clients in a child of `fork`: it lacks their threads, and closing such a client crashes it."""
    global _lock  # noqa: PLW0603 - the thread that held it is not in this process
    _lock = threading.Lock()
    for shelf in _shelves.values():
        for each in shelf.idle:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(each.client))  # never freed
    _shelves.clear()


atexit.register(end_all)
os.register_at_fork(after_in_child=_forget)
