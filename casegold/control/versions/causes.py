"""Why a version restated partitions: the sequence numbers between old and new version, and the inputs that changed.

Not here: the facts of these numbers (`operations.causes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from casegold.control.db import Connection
from casegold.domain.errors import ConfigurationError
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


@dataclass(frozen=True, slots=True)
class Span:
    """Facts with sequence numbers above `after_seq` and up to `until_seq` that change dates up to `last`."""

    after_seq: int
    until_seq: int
    last: date


@dataclass(frozen=True, slots=True)
class ChangedInput:
    """Input partitions whose used version changed from `before` to `after`. None: not used on that side."""

    dataset: str
    first: date
    last: date
    partitions: int
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class RecordedCauses:
    """What the control database knows of the causes of a version, or of one partition in it."""

    reasons: tuple[str, ...]
    """As recorded with the version."""
    partitions: int
    restated: int
    """How many of the partitions had a version before."""
    republished_from: int | None
    supersedes: int | None
    """The previous version."""
    spans: tuple[Span, ...]
    inputs: tuple[ChangedInput, ...]


def recorded(connection: Connection, dataset: str, version: int, partition: date | None) -> RecordedCauses:
    """The recorded causes of a completed version.

    Raises:
        ConfigurationError: there is no such version, or it did not change the partition.
    """
    place: dict[str, Any] = {"dataset": dataset, "version": version, "partition": partition}
    row = connection.execute(query(ROOM, "causes_version"), place).fetchone()
    if row is None:
        what = f"no completed version {version}" + (f" that changed {partition}" if partition else "")
        raise ConfigurationError(f"{dataset} has {what}", remedy=f"`casegold versions {dataset}` lists them")
    return RecordedCauses(
        tuple(row["caused_by"]),
        row["partitions"],
        row["restated"],
        row["republished_from"],
        row["supersedes"],
        tuple(Span(**each) for each in connection.execute(query(ROOM, "causes_spans"), place)),
        tuple(
            ChangedInput(
                each["input_dataset"],
                each["first"],
                each["last"],
                each["partitions"],
                each["before"],
                each["after"],
            )
            for each in connection.execute(query(ROOM, "causes_inputs"), place)
        ),
    )


def admissions(connection: Connection, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Facts that were held or admitted within the spans; `admitted_seq` is null for those that do not count."""
    parameters = {
        "after_seq": min(span.after_seq for span in spans),
        "until_seq": max(span.until_seq for span in spans),
    }
    return connection.execute(query(ROOM, "causes_admissions"), parameters).fetchall()
