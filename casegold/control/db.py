"""The connection to the control database, its migrations and its locks. Not here: queries about runs or data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from enum import IntEnum
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import DictRow, dict_row

from casegold.control import pool
from casegold.domain.errors import CommitUnknown, ConfigurationError, SourceUnavailable
from casegold.domain.failpoints import reach
from casegold.domain.sql import query

ROOM = "casegold.control"

Connection = pool.Connection

_GONE = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
"""What psycopg raises if the connection broke, or PostgreSQL closed it."""

SERVERS_REMEDY = "`casegold up` starts the local servers; `casegold status` shows them"


class _Cursor(psycopg.Cursor[DictRow]):
    """A cursor whose `executemany` keeps `idle_in_transaction_session_timeout` in force.

    `executemany` sends its statements as a pipeline that ends with a Flush. After a Flush, PostgreSQL 18 does not apply
    the timeout; after any other statement it does.
    """

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        super().executemany(query, params_seq, returning=returning)
        self.connection.execute("select 1")


_OPTIONS: dict[str, Any] = {
    "row_factory": dict_row,
    "cursor_factory": _Cursor,
    "connect_timeout": 10,
    "fallback_application_name": "casegold",
    # No prepared statements: one prepared before `casegold up` migrated the schema would fail afterwards.
    "prepare_threshold": None,
}


class Lock(IntEnum):
    """Advisory locks held until the transaction ends. PostgreSQL identifies them by number."""

    MIGRATE = 7_201
    REGISTER = 7_202
    """For completing an ingest and closing a date: the first decides lateness by what the second writes."""
    PLAN = 7_203
    RUNS = 7_204
    """Serializes requests, starts and ends of attempts, so that each sees what the others decided."""
    PEOPLE = 7_205


class ControlDb:
    """The control database by URL. Works across server restarts: no transaction begins on a broken connection."""

    def __init__(self, url: str, *, pooled: bool = False) -> None:
        """Open no connection yet.

        Args:
            pooled: take connections from this process's pool, as the platform does; otherwise open one for each
                transaction, as a person's login must.
        """
        self.url = url
        self._pooled = pooled

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read-only transaction; PostgreSQL refuses writes.

        Raises:
            SourceUnavailable: PostgreSQL does not answer, or went away meanwhile.
        """
        with self._connection() as connection:
            connection.read_only = True
            with _lost_while_open():
                yield connection

    @contextmanager
    def write(self, effect: str) -> Iterator[Connection]:
        """One transaction that is one durable effect: committed when the block ends, rolled back when it raises.

        Args:
            effect: the name of its fail points in `casegold.domain.failpoints`.

        Raises:
            SourceUnavailable: PostgreSQL does not answer, or went away before the commit; nothing was written.
            CommitUnknown: PostgreSQL went away during the commit. Every write is idempotent and may be repeated.
        """
        with self._connection() as connection:
            connection.read_only = None
            # Closing the connection rolls back, so nothing is kept without the `commit` below.
            with _lost_while_open():
                yield connection
                reach(f"{effect}.before")
            try:
                connection.commit()
                reach(f"{effect}.after")
            except (*_GONE, ConnectionError) as error:
                raise CommitUnknown(
                    f"whether {effect!r} was committed is unknown: {str(error).strip()}",
                    remedy="the next attempt finds it done or does it; nothing is done twice",
                ) from error

    def rows(self, sql: Any, parameters: dict[str, Any] | None = None) -> list[DictRow]:
        """All rows of one query in a read-only transaction."""
        with self.read() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with ExitStack() as stack:
            try:
                if self._pooled:
                    connection = stack.enter_context(pool.pool_of(self.url, self._pool).lend())
                else:
                    connection = stack.enter_context(closing(psycopg.connect(self.url, **_OPTIONS)))
            except psycopg.OperationalError as error:
                raise SourceUnavailable(
                    f"the control database does not answer: {str(error).strip()}", remedy=SERVERS_REMEDY
                ) from error
            yield connection

    def _pool(self) -> pool.Pool:
        return pool.Pool(self.url, _OPTIONS)


@contextmanager
def _lost_while_open() -> Iterator[None]:
    """Raise SourceUnavailable if the connection breaks or the server shuts down before the commit; nothing is kept."""
    try:
        yield
    except _GONE as error:
        raise SourceUnavailable(
            f"the control database went away: {str(error).strip()}", remedy=SERVERS_REMEDY
        ) from error


def take_lock(connection: Connection, lock: Lock) -> None:
    """Wait for an advisory lock; the end of the transaction releases it."""
    connection.execute("select pg_advisory_xact_lock(%s)", (int(lock),))


def migrate(url: str, to: str = "head") -> None:
    """Migrate the control schema to a revision, by default the newest. Concurrent calls are safe.

    Args:
        url: of the owner or a superuser. What a superuser creates is then given to the owner.

    Raises:
        ConfigurationError: the owner lacks a right that the migration needs, for example to create roles.
    """
    # These imports take a second, and only `casegold up` needs them.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ProgrammingError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(files("casegold.control.migrations")))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({int(Lock.MIGRATE)})")
        connection.exec_driver_sql("create schema if not exists casegold")
        connection.exec_driver_sql("set local search_path to casegold")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, to)
            connection.exec_driver_sql(query(ROOM, "ownership").replace("%", "%%"))
        except ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise
            raise ConfigurationError(
                f"the control schema cannot be created: {error.orig.diag.message_primary}",
                remedy=error.orig.diag.message_hint or "give the owner a database of its own",
            ) from error
