"""`python -m benchmarks.recording`: the cost of recording a partition in Dagster, with and without reused connections.

Both ways run one after the other in one process, against one PostgreSQL. Not here: the work of a run before that.
"""

import os
from collections.abc import Iterator
from statistics import median
from time import perf_counter

import click
import dagster as dg

from benchmarks.servers import own_servers
from casegold.cli.tables import show
from casegold.servers import dagster_home
from platform_assets.running import keep_connections

ROUNDS = 3
Event = dg.AssetMaterialization | dg.AssetCheckEvaluation
KEY = dg.AssetKey("measured")


@click.command()
@click.option("--partitions", default=60, show_default=True, help="Number of events of each kind per round.")
def main(partitions: int) -> None:
    """Measure, and print milliseconds per event."""
    with own_servers() as settings:
        dagster_home.make(settings)
        os.environ |= dagster_home.environment(settings)
        rows = measured(partitions)
    show("milliseconds per event", ("event", "own connections#", "reused#"), rows, empty="")


def measured(partitions: int) -> list[tuple[str, float, float]]:
    """Rows of (event, median milliseconds with its own connections, median milliseconds with reused ones)."""
    seconds: dict[tuple[str, bool], list[float]] = {}

    @dg.op(out={})
    def record(context: dg.OpExecutionContext) -> Iterator[Event]:
        for kept in [False] * ROUNDS + [True] * ROUNDS:
            if kept:
                keep_connections(context)
            for name, events in (("materialisation", materialisations), ("check", evaluations)):
                began = perf_counter()
                yield from events(partitions)
                seconds.setdefault((name, kept), []).append(perf_counter() - began)

    @dg.job
    def recording() -> None:
        record()

    with dg.DagsterInstance.get() as instance:
        recording.execute_in_process(instance=instance)
    each = {key: median(rounds) / partitions * 1_000 for key, rounds in seconds.items()}
    return [(name, each[name, False], each[name, True]) for name in ("materialisation", "check")]


def materialisations(partitions: int) -> Iterator[Event]:
    """Events like those of published partitions."""
    for number in range(partitions):
        yield dg.AssetMaterialization(KEY, partition=str(number), metadata={"dagster/row_count": number})


def evaluations(partitions: int) -> Iterator[Event]:
    """Events like those of passed checks."""
    for number in range(partitions):
        yield dg.AssetCheckEvaluation(asset_key=KEY, check_name="measured", passed=True, partition=str(number))


if __name__ == "__main__":
    main()
