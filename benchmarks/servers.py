"""PostgreSQL and Kafka for a benchmark, in a temporary directory, and commands to use them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import click

from casegold.runtime.settings import PREFIX, Settings, load_settings
from casegold.servers import local


@contextmanager
def own_servers(**variables: str) -> Iterator[Settings]:
    """Servers that run for the duration of the block.

    Args:
        variables: further settings, by name without `CASEGOLD_`; child processes inherit them.
    """
    with tempfile.TemporaryDirectory(prefix="casegold-bench-") as home:
        os.environ |= {f"{PREFIX}{name}": value for name, value in {"HOME": home, **variables}.items()}
        settings = load_settings()
        try:
            local.up(settings, lambda line: click.echo(line, err=True))
            yield settings
        finally:
            local.down(settings)


def command(*arguments: str) -> None:
    """Run a casegold command, which prints its own progress."""
    subprocess.run([sys.executable, "-m", "casegold.cli.main", *arguments], check=True)
