"""`python -m benchmarks.ledger`: query times of a control database with a million published partitions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from benchmarks.servers import own_servers
from casegold.cli.tables import show
from casegold.control.db import Connection, ControlDb
from casegold.control.versions import impact

SNAPSHOT = "gold/case_daily_snapshot"
ROUNDS = 5


@click.command()
def main() -> None:
    """Measure impact queries, as the median of five rounds."""
    with own_servers() as settings:
        control = ControlDb(settings.control_url())
        with ControlDb(settings.owner_url()).write("benchmark") as connection:
            connection.execute((Path(__file__).parent / "ledger.sql").read_text(encoding="utf-8"))
        found = measure(control)
    show("A million published partitions", ("question", "versions found#", "seconds#"), found, empty="")


def measure(control: ControlDb) -> list[tuple[str, int, str]]:
    """Each query with the number of versions in its result and its median time in seconds."""
    questions: dict[str, Callable[[Connection], list[Any]]] = {
        "impact of the newest version": lambda connection: impact.of_version(connection, SNAPSHOT, 10_000),
        "impact of a version in the middle": lambda connection: impact.of_version(connection, SNAPSHOT, 5_000),
        "impact of the last fact": lambda connection: impact.of_fact(
            connection, impact.KnownFact("s", "e", date(2012, 1, 1), 9_990)
        ),
        "impact of half of all versions": lambda connection: impact.of_transform(connection, "1", [SNAPSHOT]),
    }
    found = []
    for name, ask in questions.items():
        seconds, count = [], 0
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with control.read() as connection:
                count = len(ask(connection))
            seconds.append(time.perf_counter() - begun)
        found.append((name, count, f"{statistics.median(seconds):.3f}"))
    return found


if __name__ == "__main__":
    main()
