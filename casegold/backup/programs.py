"""Calls pg_dump, pg_restore and psql. The password is in their environment, where `ps` does not show it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from casegold.domain.errors import CommitUnknown, SourceUnavailable
from casegold.servers.postgres import programs

CONNECTION_LOST = 2
"""psql's exit code if the connection broke in a non-interactive session."""
LOST_REMEDY = (
    "run the command again: it continues, or says that the database is not empty, which means it had succeeded"
)


def dump(url: str, snapshot: str, to: Path) -> None:
    """Dump the whole database as of a snapshot that an open transaction exported.

    Raises:
        SourceUnavailable: pg_dump fails.
    """
    _run(url, "pg_dump", ["--format=custom", f"--snapshot={snapshot}", f"--file={to}"])


def script_of(dumped: Path, to: Path) -> None:
    """Convert a dump to SQL, with owners and privileges.

    Raises:
        SourceUnavailable: pg_restore fails, as it does for a damaged dump.
    """
    _run(None, "pg_restore", [f"--file={to}", str(dumped)])


def execute(url: str, scripts: Sequence[Path], variables: Mapping[str, str]) -> None:
    """Run SQL scripts in one transaction.

    Raises:
        SourceUnavailable: psql fails; nothing has changed.
        CommitUnknown: the connection broke, perhaps after the commit.
    """
    arguments = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    arguments += [f"--set={name}={value}" for name, value in variables.items()]
    arguments += [f"--file={script}" for script in scripts]
    _run(url, "psql", arguments)


def _run(url: str | None, program: str, arguments: list[str]) -> None:
    environment = dict(os.environ)
    if url is not None:
        parameters = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        environment["PGPASSWORD"] = parameters.pop("password", "")
        arguments = [f"--dbname={make_conninfo(**parameters)}", *arguments]
    command = [str(programs() / program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if program == "psql" and done.returncode == CONNECTION_LOST:
        raise CommitUnknown(f"psql lost its connection: {done.stderr.strip()}", remedy=LOST_REMEDY)
    if done.returncode:
        raise SourceUnavailable(
            f"{program} failed: {done.stderr.strip()}",
            remedy="does the server answer, and is there space on the disk?",
        )
