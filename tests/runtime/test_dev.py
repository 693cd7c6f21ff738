"""`casegold dev` as a person uses it: started, looked at, ended, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from casegold.runtime.services import dagster_home, processes, stack
from casegold.runtime.settings import Settings


def start() -> tuple[subprocess.Popen[str], str]:
    """A running `casegold dev`, and the UI's address; from a shell that has what `casegold env` prints."""
    command = [sys.executable, "-u", "-m", "casegold.runtime.cli.main", "dev", "--port", "0"]
    environment = os.environ | dagster_home.FOR_THE_SHELL
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    for line in child.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return child, found.group()
    raise AssertionError("ended without telling the address")


def pids(settings: Settings) -> dict[str, int]:
    home = dagster_home.directory(settings)
    found = {name: processes.find(home / f"{name}.pid") for name in stack.PROCESSES}
    return {name: running.process.pid for name, running in found.items() if running}


@pytest.fixture
def installation(settings: Settings) -> Iterator[Settings]:
    yield settings
    stack.end(settings)


def test_it_shows_the_ui_ends_with_ctrl_c_and_cleans_up_after_a_kill(installation: Settings) -> None:
    child, url = start()
    with urllib.request.urlopen(f"{url}/server_info", timeout=20) as answer:  # noqa: S310 - loopback
        assert "dagster_version" in json.load(answer)
    left = pids(installation)
    assert set(left) == set(stack.PROCESSES)
    child.send_signal(signal.SIGKILL)
    child.wait()

    child, _ = start()
    running = pids(installation)
    assert set(running) == set(stack.PROCESSES)
    assert not set(running.values()) & set(left.values())
    assert not any(psutil.pid_exists(pid) for pid in left.values())

    home = dagster_home.directory(installation)
    started = [each for name in stack.PROCESSES for each in processes.family(home / f"{name}.pid")]
    servers = [each for each in started if "grpc" in each.cmdline()]
    assert servers, "Dagster has started code servers"
    for server in servers:
        server.suspend()  # as one that waits for ever
    child.send_signal(signal.SIGINT)
    assert child.wait(120) == 130
    assert pids(installation) == {}
    assert not any(psutil.pid_exists(pid) for pid in running.values())
    assert not any(each.is_running() for each in started)
