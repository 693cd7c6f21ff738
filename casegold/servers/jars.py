"""Fetches the local broker's jars from a Maven repository by a lock file, and checks the SHA-256 of each.

Not here: the lock file's contents (`deploy/kafka/broker.lock`, one `sha256 path` per line).
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.servers.processes import Say

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file."""

    sha256: str
    path: str
    """Relative to the repository's root."""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[1]


def read_lock(lock: Path) -> list[Jar]:
    """The files that a lock file lists. Raises ConfigurationError for a malformed line."""
    jars = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        sha256, _, path = line.partition(" ")
        if len(sha256) != 64 or "/" not in path:
            raise ConfigurationError(f"{lock}: not `sha256 path`: {line!r}", remedy="restore the file")
        jars.append(Jar(sha256, path))
    return jars


def fetch(lock: Path, repository: str, cache: Path, say: Say) -> list[Path]:
    """Fetch every file of the lock into `cache`, unless it is there with the right digest; return the paths.

    Raises:
        SourceUnavailable: the repository does not answer.
        ConfigurationError: a file of the repository has another digest than the lock file.
    """
    cache.mkdir(parents=True, exist_ok=True)
    jars = read_lock(lock)
    # The digest is part of the name: lock files with different files of the same name can share the cache.
    paths = {jar: cache / f"{jar.sha256[:16]}-{jar.name}" for jar in jars}
    missing = [jar for jar in jars if not _is_there(jar, paths[jar])]
    if missing:
        say(f"fetching {len(missing)} files of Apache Kafka from {repository}")
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            running = [pool.submit(_fetch_one, jar, repository, paths[jar]) for jar in missing]
            for done, future in enumerate(as_completed(running), 1):
                future.result()
                if done % 10 == 0 or done == len(missing):
                    say(f"  {done} of {len(missing)}")
    return list(paths.values())


def _is_there(jar: Jar, path: Path) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def _fetch_one(jar: Jar, repository: str, path: Path) -> None:
    url = f"{repository.rstrip('/')}/{jar.path}"
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - the setting's check lets only http(s) through
            content = response.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise SourceUnavailable(
            f"{url}: {error}", remedy="check the network, or set CASEGOLD_MAVEN_URL to a mirror of Maven Central"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != jar.sha256:
        raise ConfigurationError(
            f"{url} is not the locked file: SHA-256 {found}, expected {jar.sha256}",
            remedy="use another repository in CASEGOLD_MAVEN_URL: this one serves changed files",
        )
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
