"""Opens the file of an event log: regular files only, decompressed within limits. Not here: parsing."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from casegold.domain.errors import ConfigurationError

MAX_RATIO = 200
"""Maximum decompressed bytes per compressed byte. Real logs: 10 to 60; deflate allows 1,032."""
FREE_BYTES = 64 * 1024 * 1024
"""Decompressed bytes below which the ratio is not checked."""
_BUFFER = 256 * 1024


def refusal(place: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{place}: {problem}", remedy=remedy)


@contextmanager
def open_log(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a log, decompressed if its name ends in .gz.

    Raises:
        ConfigurationError: it is not a regular file, cannot be read, is damaged, or exceeds MAX_RATIO.
    """
    try:
        with open_regular(path) as file:
            yield _unpacked(file, path.name) if path.suffix == ".gz" else file
    except OSError as error:
        raise refusal(path.name, f"cannot be read: {error}", "check the path and the file") from error
    except (EOFError, zlib.error) as error:
        raise refusal(path.name, f"is damaged: {error}", "fetch it again") from error


def read_small(path: Path, limit: int) -> bytes:
    """The bytes of a regular file. Raises ConfigurationError beyond `limit` bytes, OSError if it cannot be read."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise refusal(str(path), f"has more than {limit} bytes", "name another file")
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file without blocking: a pipe without a writer would hang, and a device may never end."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=_BUFFER)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise refusal(path.name, "is not a regular file", "copy its content to a file, and name that file")
    return file


def _unpacked(file: BinaryIO, name: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Unpacked(file, name), _BUFFER))


class _Unpacked(io.RawIOBase):
    """The content of a gzip file; refuses it once the decompressed size exceeds MAX_RATIO."""

    def __init__(self, packed: BinaryIO, name: str) -> None:
        self._packed, self._name = packed, name
        self._content = gzip.GzipFile(fileobj=packed)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self._content.readinto(buffer)
        self._read += size
        if self._read > FREE_BYTES and self._read > MAX_RATIO * self._packed.tell():
            raise refusal(self._name, f"unpacks to more than {MAX_RATIO} times its size", "decompress and inspect it")
        return size
