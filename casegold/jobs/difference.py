"""The difference between two states of a dataset. Reads their recorded files, and only changed partitions.

Not here: comparing rows (`transform.difference`), and how a difference is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from casegold.control.changes import shadows
from casegold.control.versions import comparison, official_state
from casegold.control.versions.comparison import FilesApart
from casegold.domain.difference import OFFICIAL, Difference, PartitionDifference, RowDifference
from casegold.jobs.views import engine
from casegold.runtime.platform import Platform
from casegold.transform.difference.compare import Comparison

ROWS_IN_MEMORY = 1_000_000
"""Rows of both sides that are compared at a time: 3 s and 350 MB on 2 cores. Rows that differ may spill to disk."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The versions to compare: everything that differs, or one partition of it."""

    dataset: str
    before: int
    after: int
    partition: date | None = None


@dataclass(frozen=True, slots=True)
class WantedShadow:
    """A shadow to compare with what was official when it was made: everything that differs, or one partition of it."""

    dataset: str
    backfill_run_id: str
    partition: date | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """Two states of a dataset: the partitions that differ, and a function that finds the files of some of them."""

    dataset: str
    before: int | str
    after: int | str
    partitions: Sequence[PartitionDifference]
    files: Callable[[Sequence[PartitionDifference]], FilesApart]


def between(platform: Platform, wanted: Wanted | WantedShadow, sample: int) -> Difference:
    """The difference, with its first `sample` rows.

    Raises:
        ConfigurationError: there is no such version or shadow, or its columns are not those of the current contract.
    """
    return compare(platform, _sides(platform, wanted), sample)


def compare(platform: Platform, sides: Sides, sample: int) -> Difference:
    """The difference of two sides, with its first `sample` rows. Raises as `between`."""
    with _comparison(platform, sides) as comparison:
        counts = comparison.counts()
        found = [_counted(each, counts.get(each.key, (0, 0, 0))) for each in sides.partitions]
        return Difference(
            sides.dataset,
            sides.before,
            sides.after,
            tuple(found),
            comparison.columns(),
            tuple(comparison.rows(sample)),
        )


def rows(platform: Platform, wanted: Wanted | WantedShadow) -> Iterator[RowDifference]:
    """Every row that differs, by partition and key. Raises as `between`."""
    with _comparison(platform, _sides(platform, wanted)) as comparison:
        yield from comparison.rows()


def _sides(platform: Platform, wanted: Wanted | WantedShadow) -> Sides:
    if isinstance(wanted, WantedShadow):
        return _of_shadow(platform, wanted)
    dataset = wanted.dataset
    with platform.control.read() as control:
        partitions = comparison.partitions(control, dataset, wanted.before, wanted.after, wanted.partition)

    def files(chunk: Sequence[PartitionDifference]) -> FilesApart:
        with platform.control.read() as control:
            return comparison.files_apart(control, dataset, chunk)

    return Sides(dataset, wanted.before, wanted.after, partitions, files)


def _of_shadow(platform: Platform, wanted: WantedShadow) -> Sides:
    with platform.control.read() as control:
        shadow = shadows.readable(control, wanted.dataset, wanted.backfill_run_id)
    chosen = [each for each in shadow.partitions if wanted.partition in (None, each.figures.key)]
    paths = {each.figures.key: [file.path for file in each.files] for each in chosen}
    differing = [each.difference for each in chosen if each.difference.differs]
    return sides_of_shadow(platform, shadow.dataset, shadow.backfill_run_id, differing, paths)


def sides_of_shadow(
    platform: Platform,
    dataset: str,
    backfill_run_id: str,
    partitions: Sequence[PartitionDifference],
    paths: Mapping[date, Sequence[str]],
) -> Sides:
    """Some partitions of a shadow, and their official versions.

    Args:
        paths: the shadow's files by partition.
    """

    def files(chunk: Sequence[PartitionDifference]) -> FilesApart:
        official = [(dataset, each.key, each.version_before) for each in chunk if each.version_before is not None]
        with platform.control.read() as control:
            before = official_state.files_of(control, official)
        return FilesApart(tuple(before), tuple(path for each in chunk for path in paths[each.key]))

    return Sides(dataset, OFFICIAL, backfill_run_id, partitions, files)


@contextmanager
def _comparison(platform: Platform, sides: Sides) -> Iterator[Comparison]:
    with engine(platform) as connection:
        comparison = Comparison(connection, platform.contracts[sides.dataset])
        for chunk in _chunks(sides.partitions):
            files = sides.files(chunk)
            platform.lake.register_files(connection, "files_before", sides.dataset, files.before)
            platform.lake.register_files(connection, "files_after", sides.dataset, files.after)
            comparison.add("files_before", "files_after")
        comparison.match()
        yield comparison


def _chunks(partitions: Sequence[PartitionDifference]) -> Iterator[list[PartitionDifference]]:
    """Groups of partitions whose rows fit in memory; at least one partition each."""
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
