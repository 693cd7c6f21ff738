"""The local servers: started twice, killed, stopped, asked. One home for the module; every test leaves it up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from casegold.runtime.addresses import read_addresses
from casegold.runtime.settings import Settings
from casegold.servers import local, processes


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="casegold-home-"))
    yield directory
    local.down(Settings(home=directory))
    shutil.rmtree(directory)


@pytest.fixture
def settings(home: Path) -> Settings:
    settings = Settings(home=home)
    local.up(settings, print)
    return settings


def pid_file(settings: Settings, server: str) -> Path:
    return settings.home / server / "server.pid"


def pids(settings: Settings) -> list[int | None]:
    return [server.pid for server in local.status(settings)]


def kill(settings: Settings, server: str) -> None:
    running = processes.find(pid_file(settings, server))
    assert running is not None
    running.process.send_signal(signal.SIGKILL)
    psutil.wait_procs([running.process], timeout=10)


def write(settings: Settings, text: str) -> None:
    """A row and a record that must still be there later."""
    with psycopg.connect(settings.owner_url()) as connection:
        connection.execute("create table if not exists public.kept (text text)")
        connection.execute("insert into public.kept values (%s)", (text,))
    producer = Producer(settings.kafka_config())
    producer.produce(settings.totals_topic, text)
    assert producer.flush(20) == 0


def read(settings: Settings) -> tuple[set[str], set[str]]:
    with psycopg.connect(settings.owner_url()) as connection:
        rows = {row[0] for row in connection.execute("select text from public.kept")}
    consumer = Consumer({**settings.kafka_config(), "group.id": "test"})
    partition = TopicPartition(settings.totals_topic, 0, 0)
    _, end = consumer.get_watermark_offsets(partition, timeout=20)
    consumer.assign([partition])
    records = {(message.value() or b"").decode() for message in consumer.consume(end, timeout=20)}
    consumer.close()
    return rows, records


def test_up_twice_is_up_once(settings: Settings) -> None:
    before = pids(settings)
    local.up(settings, print)
    assert pids(settings) == before
    assert all(server.answers and server.managed for server in local.status(settings))


@pytest.mark.long("casegold/servers/")
def test_up_by_several_at_once_is_up_once(settings: Settings) -> None:
    local.down(settings)
    command = [sys.executable, "-m", "casegold.cli.main", "up"]
    environment = {**os.environ, "CASEGOLD_HOME": str(settings.home)}
    with ThreadPoolExecutor(3) as pool:
        run = lambda _: subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: E731
        for done in pool.map(run, range(3)):
            assert done.returncode == 0, done.stderr
    assert all(server.answers for server in local.status(settings))
    assert len(servers_of(settings)) == 2


def servers_of(settings: Settings) -> list[int]:
    """Every server process of the home, noted or not."""
    names = {str(settings.home / "postgres/data"), str(settings.home / "kafka/server.properties")}
    return [each.pid for each in psutil.process_iter(["cmdline"]) if names & set(each.info["cmdline"] or ())]


@pytest.mark.parametrize("server", ["postgres", "kafka"])
def test_what_was_acknowledged_survives_a_kill(settings: Settings, server: str) -> None:
    write(settings, server)
    before = read_addresses(settings.home)
    kill(settings, server)
    local.up(settings, print)
    rows, records = read(settings)
    assert server in rows
    assert server in records
    assert read_addresses(settings.home) == before, "the ports are kept"


@pytest.mark.long("casegold/servers/")
def test_a_killed_database_that_is_still_in_the_process_table_is_waited_for(settings: Settings) -> None:
    """Its number is taken as long as its parent does not look: PostgreSQL takes it for a living server."""
    local.down(settings)
    starts = (
        "import sys, time; from casegold.servers import local; from casegold.runtime.settings import Settings;"
        " local.start_servers(Settings(home=sys.argv[1]), print); print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", starts, str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert any("up" in line for line in parent.stdout)
        running = processes.find(pid_file(settings, "postgres"))
        assert running is not None
        running.process.kill()
        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(local.up, settings, print)
            time.sleep(3)
            assert not started.done()
            assert running.process.status() == psutil.STATUS_ZOMBIE
            parent.kill()
            started.result(60)
    assert all(server.answers for server in local.status(settings))


@pytest.mark.long("casegold/servers/")
def test_a_taken_port_is_replaced(settings: Settings) -> None:
    brokers, database = settings.brokers(), settings.database_url()
    local.down(settings)
    port = int(brokers.rpartition(":")[2])
    (own,) = processes.free_ports([port])
    assert own == port
    with processes._bound(port):
        local.up(settings, print)
    assert settings.brokers() != brokers
    assert settings.database_url() == database
    assert all(server.answers for server in local.status(settings))


def test_down_keeps_data_and_says_what_ran(settings: Settings) -> None:
    write(settings, "before down")
    assert local.down(settings) == ["Kafka", "PostgreSQL"]
    assert local.down(settings) == []
    assert not any(server.answers or server.pid for server in local.status(settings))
    local.up(settings, print)
    rows, records = read(settings)
    assert "before down" in rows & records


@pytest.mark.long("casegold/servers/")
def test_a_stranger_with_the_number_of_a_dead_server_is_left_alone(settings: Settings) -> None:
    """After a reboot the numbers of the pid files belong to others."""
    local.down(settings)
    stranger = subprocess.Popen(["sleep", "60"])
    note = {"pid": stranger.pid, "port": 1, "started": 0.0, "program": "sleep"}
    for server in ("postgres", "kafka"):
        pid_file(settings, server).write_text(json.dumps(note), encoding="utf-8")
    try:
        local.up(settings, print)
        assert all(server.answers for server in local.status(settings))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.sampled
@pytest.mark.parametrize("seconds", [0.8, 1.6, 2.4, 3.2])
def test_an_up_that_is_killed_anywhere_is_finished_by_the_next(settings: Settings, seconds: float) -> None:
    local.down(settings)
    command = [sys.executable, "-m", "casegold.cli.main", "up"]
    starting = subprocess.Popen(
        command, env={**os.environ, "CASEGOLD_HOME": str(settings.home)}, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    starting.kill()
    starting.wait()
    local.up(settings, print)
    assert all(server.answers and server.pid for server in local.status(settings))
    assert len(servers_of(settings)) == 2


def test_secrets_are_readable_by_their_owner_only(settings: Settings) -> None:
    postgres = settings.home / "postgres"
    for path in (
        settings.home / "services.json",
        postgres / "password",
        postgres / "password-casegold_platform",
    ):
        assert path.stat().st_mode & 0o077 == 0


def test_the_database_asks_for_the_password(settings: Settings) -> None:
    password = (settings.home / "postgres" / "password").read_text(encoding="utf-8")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(settings.owner_url().replace(password, "wrong"))


def test_what_runs_the_platform_knows_no_password_but_its_own(settings: Settings) -> None:
    password = (settings.home / "postgres" / "password").read_text(encoding="utf-8")
    assert settings.platform_login() == "casegold_platform"
    assert password not in settings.control_url() + settings.dagster_url() + settings.catalog_url()
    assert password not in (settings.home / "services.json").read_text(encoding="utf-8")
