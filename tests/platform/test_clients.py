"""Kafka clients live as long as their process, whatever becomes of the broker, and what they say goes to the log."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import psutil
import pytest

from casegold.cli.main import run
from casegold.control.db import ControlDb
from casegold.domain.errors import SourceUnavailable
from casegold.domain.plain_text import one_line
from casegold.runtime import logs
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import run_until_idle
from casegold.servers import local, processes
from casegold.sink.outbox import announce
from casegold.sink.relay import relay_once
from casegold.source import clients, kafka
from platform_assets.build import build_defs
from resources.platform import PlatformResource
from tests.conftest import own_database, own_topics
from tests.platform.conftest import House

LOOKS = 25
SENSORS = ("domain_events", "domain_totals", "publish_events", "backfill_requests", "day_close", "planner")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) [a-z_.]+: ")


@pytest.fixture
def own(own_servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation on these servers, whose clients give up after seconds."""
    monkeypatch.setattr(kafka, "TIMEOUT_SECONDS", 2)
    with own_database(own_servers, tmp_path / "home", monkeypatch, {}) as database, own_topics(database) as settings:
        clients.end_all()
        yield settings
    clients.end_all()


def kill_broker(servers: Settings) -> None:
    running = processes.find(servers.home / "kafka" / "server.pid")
    assert running is not None
    running.process.kill()
    running.process.wait()


def held() -> tuple[int, int]:
    """Threads and open files of this process."""
    process = psutil.Process()
    return process.num_threads(), process.num_fds()


def assert_no_more_than(before: tuple[int, int]) -> None:
    """Fewer may be left: the pool closes connections that nobody used for a while."""
    now = held()
    assert now[0] <= before[0] and now[1] <= before[1], (before, now)


def look(house: House) -> None:
    """One look of `casegold work` and of the relay, and a tick of each sensor."""
    platform = house.platform
    run_until_idle(platform)
    relay_once(platform.control, platform.kafka_config, platform.settings.outbox_topic_prefix)
    for sensor in SENSORS:
        house.tick(sensor)


def made(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.name == "casegold.kafka"]
    caplog.clear()
    return [text.rpartition(": ")[2] for text in found if text.startswith("a new Kafka client")]


def test_idle_looks_and_ticks_make_no_clients(
    own_servers: Settings, own: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "casegold.kafka")
    with dg.DagsterInstance.ephemeral() as instance:
        resource = PlatformResource(own)
        house = House(open_platform(own), build_defs(own, resource), resource, instance)
        look(house)
        assert made(caplog) == ["admin"]
        before = held()
        for _ in range(LOOKS):
            look(house)
        assert made(caplog) == []
        assert_no_more_than(before)

        kill_broker(own_servers)
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match="Kafka does not answer"):
                look(house)
        local.start_servers(own_servers, print)
        for _ in range(LOOKS):
            look(house)
        # The one that failed is not lent again, nor is the one that was made for the second look.
        assert made(caplog) == ["admin", "admin"]
        assert_no_more_than(before)


def test_the_relay_keeps_its_producer_unless_rows_failed(own: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "casegold.kafka")
    control = ControlDb(own.control_url())

    def relayed(text: str = "") -> int:
        with control.write("by a test") as connection:
            payload = {"key": "1", "text": text}
            announce(
                connection,
                aggregate_type="dataset",
                aggregate_id="gold/a",
                event_type="T",
                key=uuid4().hex,
                payload=payload,
            )
        return relay_once(control, own.kafka_config(), own.outbox_topic_prefix)

    assert [relayed() for _ in range(5)] == [1] * 5
    assert made(caplog) == ["relay"]
    with pytest.raises(SourceUnavailable, match="1 of 1"):
        relayed("x" * 2_000_000)
    with pytest.raises(SourceUnavailable, match="2 of 2"):
        relayed()
    assert made(caplog) == ["relay"], "the second of these lives: the first had a failure"


def test_another_configuration_ends_the_clients_of_the_former(own: Settings) -> None:
    topic = own.events_topic
    kafka.describe_topic(own.kafka_config(), topic)
    before = held()
    for number in range(5):
        kafka.describe_topic({**own.kafka_config(), "reconnect.backoff.ms": 100 + number}, topic)
    assert_no_more_than(before)


def test_a_forked_child_has_no_clients_and_ends_well(own: Settings) -> None:
    kafka.describe_topic(own.kafka_config(), own.events_topic)
    code = (
        "import os, sys\n"
        "from casegold.runtime.settings import load_settings\n"
        "from casegold.source import clients, kafka\n"
        "settings = load_settings()\n"
        "kafka.describe_topic(settings.kafka_config(), settings.events_topic)\n"
        "child = os.fork()\n"
        "if child:\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "kafka.describe_topic(settings.kafka_config(), settings.events_topic)\n"
        "sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 7


def wait_for(what: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while not what():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def test_work_outlives_the_broker_and_keeps_its_log_in_lines(
    own_servers: Settings, own: Settings, tmp_path: Path
) -> None:
    control, log = ControlDb(own.control_url()), tmp_path / "work.log"
    command = [sys.executable, "-m", "casegold.cli.main", "work"]
    with log.open("wb") as err, (tmp_path / "out").open("wb") as out:
        environment = os.environ | {"CASEGOLD_LOG_LEVEL": "DEBUG"}
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        try:
            wait_for(lambda: b"a new Kafka client: admin" in log.read_bytes(), process)
            kill_broker(own_servers)
            wait_for(lambda: b"Connection refused" in log.read_bytes(), process)
            local.start_servers(own_servers, print)
            assert run(["simulate", "--cases", "3", "--days", "1", "--seed", "1"]) == 0
            wait_for(lambda: control.rows("select from run_manifest where dataset = 'silver/case_events'"), process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    lines = log.read_text().splitlines()
    assert any("ERROR casegold.kafka" in line and "Connection refused" in line for line in lines)
    told = [line for line in lines if not LOG_LINE.match(line)]
    assert all(line.startswith(("casegold: Kafka does not answer", "  ->")) or not line.strip() for line in told), told


def test_a_log_line_is_one_line_and_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("casegold.test")
    handler = logs._StandardError()
    log.addHandler(handler)
    log.propagate = False
    hostile = "a\x1b[2Jb\nERROR casegold: forged\r\u202egnp.exe\u2028\x9b\ud800"
    for number in range(3):
        log.error("run %s of %s", number, hostile)
    try:
        raise ValueError(hostile)
    except ValueError:
        log.exception("failed")
    shown = capsys.readouterr().err
    assert set(shown) & set("\x1b\r\u202e\u2028\x9b\ud800") == set()
    lines = shown.splitlines()
    assert sum("run 0 of" in line for line in lines) == 1, "the same but for numbers is told once"
    assert not any(line.startswith("ERROR") for line in lines)
    assert one_line("Zürich - 東京") == "Zürich - 東京"
