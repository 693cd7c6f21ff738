"""Server processes that outlive the command that started them: start, recognise, stop. Not here: which servers.

A process is recognised by the pid, start time and program in its pid file, because the system reuses pids after a crash
or a reboot.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from casegold.domain.errors import InvariantBroken, SourceUnavailable
from casegold.runtime.addresses import write_private

Say = Callable[[str], None]

DYING_SECONDS = 5.0
"""How long a parent waits for the exit status of a child that was killed."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started, by pid: a dead child stays a zombie until its parent polls it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A live server process."""

    process: psutil.Process
    port: int


# The process writes its own pid, then becomes the server by exec. If the parent wrote it, a kill of the parent in
# between would leave a server without a pid file.
_NOTE_AND_BECOME = """printf '{"pid": %d, "port": %d, "program": "%s"}' $$ "$2" "$3" > "$1.part" || exit
mv "$1.part" "$1" || exit
shift 2
exec "$@"
"""


def start(
    pid_file: Path,
    port: int,
    command: Sequence[str],
    log: Path,
    *,
    user: tuple[int, int] | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> None:
    """Start a server in its own session, so that Ctrl-C in a terminal does not reach it, and write its pid file.

    Args:
        port: the port on which it will listen, for the pid file.
        user: uid and gid to run as; needs root.
        environment: all environment variables of the server; None for those of this process.
        directory: its working directory; None for the pid file's directory.
    """
    uid, gid = user or (None, None)
    with log.open("ab") as out:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _NOTE_AND_BECOME, "sh", str(pid_file), str(port), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=directory or pid_file.parent,
            env=environment,
            user=uid,
            group=gid,
            extra_groups=[] if user else None,
        )
    _children[child.pid] = child
    while child.poll() is None and not _runs(psutil.Process(child.pid), command[0]):
        time.sleep(0.01)
    if child.poll() is None:
        # A pid may be reused; together with the start time it is unique.
        started = psutil.Process(child.pid).create_time()
        note = {"pid": child.pid, "port": port, "program": command[0], "started": started}
        write_private(pid_file, json.dumps(note))


def find(pid_file: Path) -> Running | None:
    """The server of the pid file, if it is alive."""
    try:
        note = json.loads(pid_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvariantBroken(f"{pid_file} is damaged: {error}", remedy="stop the server by hand, delete it") from error
    if child := _children.get(note["pid"]):
        child.poll()
    try:
        process = psutil.Process(note["pid"])
        started = process.create_time()
        same = abs(started - note.get("started", started)) < 1.0 and _runs(process, note["program"])
        return Running(process, note["port"]) if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        return process.cmdline()[:1] == [program]
    except psutil.ZombieProcess:
        return False


def stop(pid_file: Path, polite: signal.Signals, patience: float = 30.0) -> bool:
    """Send the server `polite`; if it does not end in `patience` seconds, kill it. False if it did not run."""
    running = find(pid_file)
    if running is not None:
        process = running.process
        process.send_signal(polite)
        try:
            _wait(process, patience)
        except psutil.TimeoutExpired:
            process.kill()
            _wait(process, patience)
    pid_file.unlink(missing_ok=True)
    return running is not None


def family(pid_file: Path) -> list[psutil.Process]:
    """The live children of the server, recursively."""
    running = find(pid_file)
    try:
        return [] if running is None else running.process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def marked(variable: str, value: str) -> list[psutil.Process]:
    """Other live processes that have this environment variable with this value, which they inherited."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it ended just now; it is another user's
            if each.pid != os.getpid() and each.environ().get(variable) == value:
                found.append(each)
    return found


def last_words(pid_file: Path) -> str:
    """How a server ended: exit code or signal if this process is its parent, else only that it has ended."""
    child = _children.get(json.loads(pid_file.read_text(encoding="utf-8"))["pid"]) if pid_file.exists() else None
    if child is None:
        return "has ended"
    try:
        # A process that is being killed loses its command line, by which `find` knows it, before it can be waited for.
        code = child.wait(DYING_SECONDS)
    except subprocess.TimeoutExpired:
        return "has ended"
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"


def end_left(started: Sequence[psutil.Process], patience: float) -> None:
    """Wait `patience` seconds for processes to end by themselves, then kill them."""
    _, left = psutil.wait_procs(started, timeout=patience)
    for process in left:
        with suppress(psutil.NoSuchProcess):  # it ended just now
            process.kill()
    psutil.wait_procs(left)


def _wait(process: psutil.Process, seconds: float) -> None:
    if child := _children.get(process.pid):
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise psutil.TimeoutExpired(seconds, process.pid) from error
    else:
        process.wait(seconds)


def wait_until(ready: Callable[[], bool], pid_file: Path, name: str, log: Path, seconds: float) -> None:
    """Poll `ready` until it holds.

    Raises:
        SourceUnavailable: the process ended, or was not ready in time; the message has the end of its log.
    """
    end = time.monotonic() + seconds
    while not ready():
        if find(pid_file) is None:
            raise SourceUnavailable(f"{name} ended while starting:\n{tail(log)}", remedy=f"read {log}")
        if time.monotonic() > end:
            raise SourceUnavailable(f"{name} was not ready in {seconds:.0f} s:\n{tail(log)}", remedy=f"read {log}")
        time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether a process listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock, after waiting for it. The system releases it however the process ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Taken(Exception):
    """Another process holds the lock. The argument is its pid."""


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a file lock without waiting for it, and write this process' pid into it. It ends with the process.

    Raises:
        Taken: another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Taken(os.pread(handle, 20, 0).decode()) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(path: Path) -> int | None:
    """The pid of the process that holds `only_one`; None if none does."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if number := os.pread(handle, 20, 0):
                    return int(number)
                time.sleep(0.01)  # it has the lock and is about to write its pid
            else:
                return None
    finally:
        os.close(handle)


def free_ports(wanted: Sequence[int | None]) -> list[int]:
    """One free loopback port for each wanted port: that port if it is free, else another."""
    sockets: list[socket.socket] = []
    try:
        for port in wanted:
            sockets.append(_bound(port))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _bound(port: int | None) -> socket.socket:
    bound = socket.socket()
    # A server that has just stopped leaves connections in TIME_WAIT on its port.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port or 0))
        bound.listen()
    except OSError:
        bound.close()
        if not port:
            raise
        return _bound(None)
    return bound
