"""`casegold dev` as a person uses it: started, looked at, ended, killed; and what it does about deaths."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from casegold.runtime.settings import Settings
from casegold.servers import dagster_home, processes, stack

CASEGOLD = [sys.executable, "-u", "-m", "casegold.cli.main"]
DEV = [*CASEGOLD, "dev", "--port", "0"]
PATIENCE_SECONDS = 300.0


def start(variables: dict[str, str] | None = None) -> tuple[subprocess.Popen[str], str]:
    """A running `casegold dev`, and the UI's address; from a shell that has what `casegold env` prints."""
    environment = os.environ | dagster_home.FOR_THE_SHELL | (variables or {})
    child = subprocess.Popen(DEV, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    for line in child.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return child, found.group()
    raise AssertionError("ended without telling the address")


def answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/server_info", timeout=20) as answer:  # noqa: S310 - loopback
        return "dagster_version" in json.load(answer)


def pid_file(settings: Settings, name: str) -> Path:
    return dagster_home.directory(settings) / f"{name}.pid"


def pids(settings: Settings) -> dict[str, int]:
    found = {name: processes.find(pid_file(settings, name)) for name in stack.PROCESSES}
    return {name: running.process.pid for name, running in found.items() if running}


def code_servers(settings: Settings, of: str) -> list[psutil.Process]:
    return [each for each in processes.family(pid_file(settings, of)) if "grpc" in said(each)]


def said(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def wait_until(what: str, ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(0.2)


@pytest.fixture
def installation(settings: Settings) -> Iterator[Settings]:
    yield settings
    stack.end(settings)


def test_it_shows_the_ui_ends_with_ctrl_c_and_cleans_up_after_a_kill(installation: Settings) -> None:
    child, url = start()
    assert answers(url)
    left = pids(installation)
    assert set(left) == set(stack.PROCESSES)
    wait_until("the daemon has a code server", lambda: code_servers(installation, "daemon"))
    (orphan,) = code_servers(installation, "daemon")
    orphan.suspend()  # it would end by itself, once it misses the daemon
    for pid in (child.pid, left["daemon"]):
        os.kill(pid, signal.SIGKILL)
    child.wait()

    child, _ = start()
    running = pids(installation)
    assert set(running) == set(stack.PROCESSES)
    assert not set(running.values()) & set(left.values())
    assert not any(psutil.pid_exists(pid) for pid in left.values())
    assert not orphan.is_running()

    wait_until("the daemon has a code server", lambda: code_servers(installation, "daemon"))
    started = [each for name in stack.PROCESSES for each in processes.family(pid_file(installation, name))]
    servers = [each for each in started if "grpc" in said(each)]
    for server in servers:
        server.suspend()  # as one that waits for ever
    child.send_signal(signal.SIGINT)
    assert child.wait(120) == 130
    assert pids(installation) == {}
    assert not any(psutil.pid_exists(pid) for pid in running.values())
    assert not any(each.is_running() for each in started)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation with servers of its own to kill."""
    home = Path(tempfile.mkdtemp(prefix="casegold-dev-"))
    monkeypatch.setenv("CASEGOLD_HOME", str(home))
    yield Settings(home=home)
    subprocess.run([*CASEGOLD, "down"], check=True, capture_output=True)
    shutil.rmtree(home)


@pytest.mark.long("casegold/servers/", "casegold/cli/")
def test_what_dies_starts_again_servers_and_code_servers_too(own: Settings) -> None:
    child, url = start()
    addresses = own.database_url(), own.brokers()
    servers = [own.home / name / "server.pid" for name in ("postgres", "kafka")]
    for noted in (*servers, *(pid_file(own, name) for name in stack.PROCESSES)):
        dead = processes.find(noted)
        assert dead is not None
        dead.process.kill()
        wait_until(f"another process in {noted}", partial(_another, noted, dead.process))
    assert (own.database_url(), own.brokers()) == addresses

    for name in ("webserver", "daemon"):
        wait_until(f"the {name} has a code server", partial(code_servers, own, name))
        time.sleep(5)  # it is seen, too
        lost = code_servers(own, name)
        for each in lost:
            each.kill()
        wait_until(f"the {name} has another", partial(_others, own, name, lost))
    wait_until("the UI answers", lambda: processes.answers(int(url.rpartition(":")[2])) and answers(url))
    assert child.poll() is None


def _others(own: Settings, name: str, lost: list[psutil.Process]) -> set[psutil.Process]:
    return set(code_servers(own, name)) - set(lost)


def _another(noted: Path, dead: psutil.Process) -> bool:
    running = processes.find(noted)
    return running is not None and running.process != dead


@pytest.mark.long("casegold/servers/", "casegold/cli/")
def test_there_is_one_at_a_time_and_down_ends_it(own: Settings) -> None:
    child, _ = start()
    second = subprocess.run(DEV, capture_output=True, text=True, check=False)
    assert second.returncode == 40
    assert f"process {child.pid}" in second.stderr
    assert "casegold down" in second.stderr
    assert child.poll() is None

    os.kill(child.pid, signal.SIGSTOP)  # also one that hangs
    done = subprocess.run([*CASEGOLD, "down"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ended: `casegold dev`", "stopped: Kafka, PostgreSQL"]
    assert child.wait(10) == 130
    assert processes.marked(stack.MARK, str(own.home)) == []
