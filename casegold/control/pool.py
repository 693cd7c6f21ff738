"""psycopg's connection pool as the platform uses it: one per process, without connections while it is idle.

The pool checks a connection before it lends it, so that no transaction fails because a server was restarted before. A
refused connection raises an error at once, with its reason; psycopg's own pool would wait and lose the reason. The
connections of a person are not pooled: they must end with the command. Not here: transactions (`control.db`).
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
"""Concurrent transactions of one process: its job, heartbeat and alarm, or a code server's sensors and checks."""
IDLE_SECONDS = 30.0
"""Within this time the pool closes at least one unused connection."""
WAIT_SECONDS = 10.0
"""How long to wait for a free one of `MOST` connections. Opening one may take as long (`connect_timeout`)."""
POLL_SECONDS = 0.1
"""How often a waiting caller checks whether the server has refused a connection."""

# Its warnings are either raised as errors here, or about connections that it replaces.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


@dataclass
class _Refusals:
    """How many connections could not be opened, and the reason of the last one."""

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
        """Lend a live connection; roll back what is not committed when the block ends.

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
                connection = self._pool.getconn(timeout=POLL_SECONDS)
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
        """End the threads and idle connections; a lent connection is closed when it comes back."""
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
    """Whether the server answers on this connection; closes it if not."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        connection.close()
        return False
    return True


def _end_transaction(connection: Connection) -> None:
    """Roll back an open transaction; close a connection that is busy or in an unknown state."""
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
"""Pools of the parent process before a fork: their connections belong to the parent, their threads do not run here."""


def pool_of(url: str, make: Callable[[], Pool]) -> Pool:
    """This process's pool for a URL. Closes a pool of another URL, as after a server restarted on another port."""
    global _current  # noqa: PLW0603 - one per process
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
    """Close this process's pool: at exit, and in tests that count open connections."""
    global _current
    with _lock:
        former, _current = _current, None
    if former is not None and former.pid == os.getpid():
        former.close()
    elif former is not None:
        _inherited.append(former)


def _new_lock() -> None:
    global _lock  # noqa: PLW0603 - the thread that held it is not in the child process
    _lock = threading.Lock()


atexit.register(close)
os.register_at_fork(after_in_child=_new_lock)
