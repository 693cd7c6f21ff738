"""The difference report of a run that restated published partitions: what changed in each one, and why.

Its cost grows only with the number of changed partitions. Not here: how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from casegold.control.versions import comparison
from casegold.domain.difference import Difference, PartitionDifference
from casegold.jobs.difference import Wanted, between
from casegold.operations.causes import Causes, of_version
from casegold.runtime.platform import Platform

MOST_PARTITIONS = 31
"""Partitions that are compared row by row: a month. A small partition takes a tenth of a second."""
ROWS_SHOWN = 20
FACTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Restatement:
    """What a version changed in partitions that had one before."""

    causes: Causes
    compared: Mapping[date, Difference]
    not_compared: Mapping[date, PartitionDifference]
    """Partitions beyond `MOST_PARTITIONS`."""


def restatement(platform: Platform, dataset: str, version: int) -> Restatement | None:
    """What a completed version restated; None where all of its partitions are new.

    Raises:
        ConfigurationError: there is no such version, or the contract's columns have changed with it.
    """
    causes = of_version(platform, dataset, version, None, FACTS_SHOWN)
    before = causes.recorded.supersedes
    if before is None or causes.recorded.restated == 0:
        return None
    with platform.control.read() as connection:
        differ = comparison.partitions(connection, dataset, before, version)
    restated = [each for each in differ if each.version_before is not None]
    return Restatement(
        causes,
        {
            each.key: between(platform, Wanted(dataset, before, version, each.key), ROWS_SHOWN)
            for each in restated[:MOST_PARTITIONS]
        },
        {each.key: each for each in restated[MOST_PARTITIONS:]},
    )
