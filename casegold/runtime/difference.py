"""What differs between two versions of a dataset: read from their recorded files, changed partitions only.

Not here: comparing rows (`transform.difference`), and how a difference is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from casegold.domain.difference import Difference, PartitionDifference, RowDifference
from casegold.manifest import compared
from casegold.runtime.jobs.facts import engine
from casegold.runtime.platform import Platform
from casegold.transform.difference.compare import Comparison

ROWS_IN_MEMORY = 1_000_000
"""Rows of both sides that are compared at a time: 3 s and 350 MB on 2 cores. What differs may spill to disk."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which versions to compare: all that differs, or one partition of it."""

    dataset: str
    before: int
    after: int
    partition: date | None = None


def between(platform: Platform, wanted: Wanted, sample: int) -> Difference:
    """The difference, with its first `sample` rows.

    Raises:
        ConfigurationError: there is no such version, or its rows have not the columns of today's contract.
    """
    with _comparison(platform, wanted) as (partitions, comparison):
        counts = comparison.counts()
        found = [_counted(each, counts.get(each.key, (0, 0, 0))) for each in partitions]
        return Difference(
            wanted.dataset,
            wanted.before,
            wanted.after,
            tuple(found),
            comparison.columns(),
            tuple(comparison.rows(sample)),
        )


def rows(platform: Platform, wanted: Wanted) -> Iterator[RowDifference]:
    """Every row that differs, by partition and key. Raises as `between`."""
    with _comparison(platform, wanted) as (_, comparison):
        yield from comparison.rows()


@contextmanager
def _comparison(platform: Platform, wanted: Wanted) -> Iterator[tuple[list[PartitionDifference], Comparison]]:
    contract = platform.contracts[wanted.dataset]
    with platform.control.read() as control:
        partitions = compared.partitions(control, wanted.dataset, wanted.before, wanted.after, wanted.partition)
    with engine(platform) as connection:
        comparison = Comparison(connection, contract)
        for chunk in _chunks(partitions):
            with platform.control.read() as control:
                files = compared.files_apart(control, wanted.dataset, chunk)
            platform.lake.register_files(connection, "files_before", wanted.dataset, files.before)
            platform.lake.register_files(connection, "files_after", wanted.dataset, files.after)
            comparison.add("files_before", "files_after")
        comparison.match()
        yield partitions, comparison


def _chunks(partitions: Sequence[PartitionDifference]) -> Iterator[list[PartitionDifference]]:
    """As many partitions together as fit in memory, at least one."""
    chunk: list[PartitionDifference] = []
    for each in partitions:
        if chunk and sum(one.rows_before + one.rows_after for one in [*chunk, each]) > ROWS_IN_MEMORY:
            yield chunk
            chunk = []
        chunk.append(each)
    if chunk:
        yield chunk


def _counted(partition: PartitionDifference, counts: tuple[int, int, int]) -> PartitionDifference:
    added, removed, changed = counts
    return replace(partition, added=added, removed=removed, changed=changed)
