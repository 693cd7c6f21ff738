"""The broker's files, fetched from a repository that is up, wrong or gone."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.runtime.shipped import BROKER_LOCK
from casegold.servers.jars import fetch, read_lock

NAMES = [f"org/part{number}/part{number}.jar" for number in range(12)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "repository" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"content of {name}", encoding="utf-8")
    return tmp_path / "repository"


@pytest.fixture
def repository(root: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is the test's."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def lock(tmp_path: Path, root: Path) -> Path:
    path = tmp_path / "broker.lock"
    lines = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()} {name}\n" for name in NAMES]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_files_are_fetched_once_and_damage_is_repaired(tmp_path: Path, lock: Path, repository: str) -> None:
    said: list[str] = []
    paths = fetch(lock, repository, tmp_path / "cache", said.append)
    assert [path.read_text(encoding="utf-8") for path in paths] == [f"content of {name}" for name in NAMES]
    assert said[-1].split() == ["12", "of", "12"]
    said.clear()
    fetch(lock, repository, tmp_path / "cache", said.append)
    assert said == []
    paths[3].write_text("half", encoding="utf-8")
    fetch(lock, repository, tmp_path / "cache", said.append)
    assert paths[3].read_text(encoding="utf-8") == f"content of {NAMES[3]}"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(path.name for path in paths)


def test_a_file_that_is_not_the_locked_one_is_refused(tmp_path: Path, lock: Path, root: Path, repository: str) -> None:
    (root / NAMES[5]).write_text("something else", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="part5"):
        fetch(lock, repository, tmp_path / "cache", print)
    assert not list((tmp_path / "cache").glob("*part5*"))


def test_a_repository_that_does_not_answer_is_named(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(SourceUnavailable, match="CASEGOLD_MAVEN_URL"):
        fetch(lock, "http://127.0.0.1:9/maven2", tmp_path / "cache", print)


def test_the_lock_names_one_broker() -> None:
    jars = read_lock(BROKER_LOCK)
    assert len({jar.name for jar in jars}) == len(jars)
    assert sum(jar.name.startswith("kafka_2.13-") for jar in jars) == 1
