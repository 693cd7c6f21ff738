"""psycopg's connection pool as the platform uses it: one in a process, empty while nobody asks.

A connection is asked whether it lives before it is lent, so that a restarted server costs nobody a transaction. A
server that does not answer is an error at once, with its reason; psycopg's own pool would wait and forget the reason.
Not here: transactions (`control.db`). A person's login has no pool: its connections must end with the command.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool, PoolTimeout

Connection = psycopg.Connection[DictRow]

MOST = 16
"""Transactions at once in one process: its job, heartbeat and alarm, or a code server's sensors and checks."""
IDLE_SECONDS = 30.0
"""In this time at least one connection that nobody needed is closed."""
WAIT_SECONDS = 10.0
"""For one of `MOST` connections to be free. A new one has as long to be opened (`connect_timeout`)."""
LOOK_SECONDS = 0.1
"""How often whoever waits looks whether the server has refused."""

# What it warns of is raised here, or is a connection that is replaced.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


@dataclass
class _Refusals:
    """Connections that could not be opened."""

    count: int = 0
    last: str = ""


class Pool:
    """The connections of one URL in this process."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.url = url
        self.pid = os.getpid()
        self._refusals = _Refusals()
        self._pool = ConnectionPool(
            url,
            connection_class=_noting(self._refusals),
            kwargs=options,
            min_size=0,
            max_size=MOST,
            max_idle=IDLE_SECONDS,
            reconnect_timeout=0,
            num_workers=1,
            name="casegold",
            open=True,
        )

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A living connection; what it has not committed when the block ends is rolled back.

        Raises:
            psycopg.OperationalError: the server refuses or does not answer, or all connections stay in use.
        """
        connection = self._take()
        try:
            yield connection
        finally:
            _end_transaction(connection)
            self._pool.putconn(connection)

    def _take(self) -> Connection:
        refused_before, deadline = self._refusals.count, time.monotonic() + WAIT_SECONDS
        while True:
            try:
                connection = self._pool.getconn(timeout=LOOK_SECONDS)
            except PoolTimeout as error:
                if self._refusals.count > refused_before:
                    raise psycopg.OperationalError(self._refusals.last) from error
                if time.monotonic() > deadline:
                    raise psycopg.OperationalError(f"no connection in {WAIT_SECONDS:.0f} s") from error
                continue
            if _lives(connection):
                return connection
            self._pool.putconn(connection)

    def close(self) -> None:
        """End its threads and its idle connections; one that is lent ends when it comes back."""
        self._pool.close()

    @property
    def size(self) -> int:
        """Open connections, lent and idle."""
        return int(self._pool.get_stats()["pool_size"])


def _noting(refusals: _Refusals) -> type[Connection]:
    class Noting(psycopg.Connection[DictRow]):
        @classmethod
        def connect(cls, *arguments: Any, **options: Any) -> Self:
            try:
                return super().connect(*arguments, **options)
            except psycopg.Error as error:
                refusals.last = str(error).strip()
                refusals.count += 1
                raise

    return Noting


def _lives(connection: Connection) -> bool:
    """One question to the server. A connection that does not answer is closed."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        connection.close()
        return False
    return True


def _end_transaction(connection: Connection) -> None:
    """Roll back what is open; a connection of which that is unknown, or that is busy, is closed."""
    status = connection.info.transaction_status
    try:
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.rollback()
        elif status is not TransactionStatus.IDLE:
            connection.close()
    except psycopg.Error:
        connection.close()


_lock = threading.Lock()
_current: Pool | None = None
_inherited: list[Pool] = []
"""Pools of a process that this one was forked from: their connections are that process's, their threads not here."""


def pool_of(url: str, make: Callable[[], Pool]) -> Pool:
    """This process's pool of a URL. A pool of another URL, as of a server that came back elsewhere, is closed."""
    global _current  # noqa: PLW0603 - one in a process
    with _lock:
        former = _current
        if former is not None and former.pid == os.getpid() and former.url == url:
            return former
        _current = make()
    if former is not None and former.pid == os.getpid():
        former.close()
    elif former is not None:
        _inherited.append(former)
    return _current


def close() -> None:
    """Close this process's pool: at the end of the process, and where a test counts what is left."""
    global _current
    with _lock:
        former, _current = _current, None
    if former is not None and former.pid == os.getpid():
        former.close()
    elif former is not None:
        _inherited.append(former)


def _new_lock() -> None:
    global _lock  # noqa: PLW0603 - whoever held it is not in this process
    _lock = threading.Lock()


atexit.register(close)
os.register_at_fork(after_in_child=_new_lock)
