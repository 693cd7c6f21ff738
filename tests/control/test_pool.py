"""The pool with a server of its own: pooled transactions have the same guarantees as unpooled ones."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from casegold.control import pool
from casegold.control.db import ControlDb
from casegold.domain.errors import CommitUnknown, SourceUnavailable
from casegold.runtime import settings as settings_module
from casegold.runtime.settings import Settings
from casegold.servers import local, processes
from tests.conftest import own_database

BACKEND = "select pg_backend_pid() as pid"


@pytest.fixture
def own(own_servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setattr(settings_module, "IDLE_SECONDS", 1)
    with own_database(own_servers, tmp_path / "home", monkeypatch, {}) as database:
        yield database
        pool.close()


@pytest.fixture
def pooled(own: Settings) -> ControlDb:
    return ControlDb(own.control_url(), pooled=True)


def backend(control: ControlDb) -> int:
    return int(control.rows(BACKEND)[0]["pid"])


def connections(own: Settings) -> int:
    """The number of connections to this database, counted by the server."""
    name = own.database_url().rpartition("/")[2]
    with psycopg.connect(own.database_url().rpartition("/")[0] + "/postgres") as connection:
        row = connection.execute("select count(*) from pg_stat_activity where datname = %s", (name,)).fetchone()
    assert row is not None
    return int(row[0])


def kill_database(servers: Settings) -> None:
    running = processes.find(servers.home / "postgres" / "server.pid")
    assert running is not None
    family = [running.process, *running.process.children(recursive=True)]
    running.process.kill()
    psutil.wait_procs(family)


@pytest.fixture
def kept(own: Settings) -> None:
    """A table into which the platform may write."""
    with ControlDb(own.owner_url()).write("by a test") as connection:
        connection.execute("create table kept (n int)")
        connection.execute("grant select, insert on kept to casegold_runtime")


def test_transactions_take_turns_on_one_connection(own: Settings, pooled: ControlDb) -> None:
    assert len({backend(pooled) for _ in range(20)}) == 1
    assert connections(own) == 1


@pytest.mark.usefixtures("kept")
def test_a_read_stays_a_read_and_a_write_a_write(pooled: ControlDb) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), pooled.read() as connection:
            connection.execute("delete from setting")
        with pooled.write("by a test") as connection:
            connection.execute("insert into kept values (1)")
    assert [row["n"] for row in pooled.rows("select * from kept")] == [1, 1]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_raises_keeps_nothing_and_the_next_finds_no_trace(pooled: ControlDb, error: type[BaseException]) -> None:
    with pytest.raises(error), pooled.write("by a test") as connection:
        connection.execute("insert into kept values (1)")
        connection.execute("set local search_path to nowhere")
        raise error
    with pytest.raises(psycopg.errors.UndefinedTable), pooled.write("by a test") as connection:
        connection.execute("select * from no_such_table")
    assert pooled.rows("select * from kept") == []


def test_no_transaction_begins_on_a_broken_connection(own: Settings, pooled: ControlDb) -> None:
    with pooled.read() as first, pooled.read() as second:
        before = {first.info.backend_pid, second.info.backend_pid}
    with psycopg.connect(own.database_url(), autocommit=True) as by_hand:
        for pid in before:
            by_hand.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    assert backend(pooled) not in before


def test_a_connection_that_idled_too_long_within_a_transaction_is_not_lent_again(pooled: ControlDb) -> None:
    with pytest.raises(SourceUnavailable, match="went away"), pooled.write("by a test") as connection:
        connection.execute("select 1")
        connection.execute("select pg_sleep(0)")
        threading.Event().wait(1.5)
        connection.execute("select 1")
    assert pooled.rows("select 1 as one") == [{"one": 1}]


def test_a_commit_on_a_connection_that_is_gone_is_unknown(own: Settings, pooled: ControlDb) -> None:
    with (
        pytest.raises(CommitUnknown),
        psycopg.connect(own.database_url(), autocommit=True) as by_hand,
        pooled.write("by a test") as connection,
    ):
        connection.execute("select 1")
        by_hand.execute("select pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    assert pooled.rows("select 1 as one") == [{"one": 1}]


def test_a_server_that_is_killed_is_told_at_once_and_found_when_it_is_back(
    own_servers: Settings, pooled: ControlDb
) -> None:
    for _ in range(2):
        backend(pooled)
        kill_database(own_servers)
        for _ in range(3):
            with pytest.raises(SourceUnavailable, match=r"refused|No such file"):
                backend(pooled)
        local.start_servers(own_servers, print)
        assert backend(pooled)


def test_many_threads_have_a_connection_each_and_give_them_back(pooled: ControlDb) -> None:
    together, pids = threading.Barrier(8), []

    def work() -> None:
        with pooled.read() as connection:
            pids.append(connection.info.backend_pid)
            together.wait(30)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 8


def test_more_than_there_may_be_wait_for_their_turn(
    own: Settings, pooled: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST", 2)
    monkeypatch.setattr(pool, "WAIT_SECONDS", 1)
    with pooled.read(), pooled.read():
        with pytest.raises(SourceUnavailable, match="no connection in"):
            backend(pooled)
        assert connections(own) == 2
    assert backend(pooled)


def test_another_url_closes_the_pool_of_the_former(own: Settings, pooled: ControlDb) -> None:
    backend(pooled)
    threads = threading.active_count()
    backend(ControlDb(own.control_url() + "&application_name=other", pooled=True))
    assert (connections(own), threading.active_count()) == (1, threads)


def test_a_person_shares_no_connection_with_the_platform(own: Settings, pooled: ControlDb) -> None:
    platform = backend(pooled)
    person = ControlDb(own.control_url())
    assert len({platform, backend(person), backend(person)}) == 3
    assert connections(own) == 1


@pytest.mark.usefixtures("own")
def test_a_forked_child_has_a_pool_of_its_own_and_the_parent_keeps_its_connection() -> None:
    code = (
        "import os, sys\n"
        "from casegold.runtime.platform import open_platform\n"
        "control = open_platform().control\n"
        f"before = control.rows({BACKEND!r})\n"
        "child = os.fork()\n"
        f"now = control.rows({BACKEND!r})\n"
        "if not child:\n"
        "    sys.exit(7 if now != before else 1)\n"
        "ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        f"sys.exit(ended if now == before == control.rows({BACKEND!r}) else 2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=60, env=dict(os.environ), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (7, "")
