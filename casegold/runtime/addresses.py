"""The addresses of a home directory's local servers, as `casegold up` wrote them. Not here: whether they answer."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from casegold.domain.errors import ConfigurationError

FILE = "services.json"
DATABASE = "casegold"
ADMINISTRATOR = "casegold"
"""The local server's superuser. It prepares the database; no process of the platform uses it."""

PLATFORM = "casegold_platform"
"""The login under which the platform runs on the local server."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the local servers; None for a server that is not local."""

    postgres_url: str | None = field(repr=False)
    """With the platform's login and its password."""
    kafka_bootstrap: str | None


def read_addresses(home: Path) -> Addresses | None:
    """The addresses last written in this home directory, or None.

    Raises:
        ConfigurationError: the file is damaged.
    """
    path = home / FILE
    try:
        return Addresses(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged: {error}", remedy="delete it and run `casegold up`, which writes a new one"
        ) from error


def password_file(home: Path, login: str = ADMINISTRATOR) -> Path:
    """The file with the password of a login of the local server; only its owner can read it."""
    return home / "postgres" / ("password" if login == ADMINISTRATOR else f"password-{login}")


def administrator_url(home: Path) -> str | None:
    """The local database with the superuser's login; None if the server was never started here."""
    known = read_addresses(home)
    if known is None or known.postgres_url is None:
        return None
    parts = urlsplit(known.postgres_url)
    password = password_file(home).read_text(encoding="utf-8").strip()
    return urlunsplit(parts._replace(netloc=f"{ADMINISTRATOR}:{password}@{parts.netloc.rpartition('@')[2]}"))


def write_addresses(home: Path, addresses: Addresses) -> None:
    """Write the addresses file atomically; only its owner can read it."""
    path = home / FILE
    write_private(path, json.dumps(asdict(addresses), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old text or the new one. Only its owner can read it."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
