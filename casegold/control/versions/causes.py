"""Why a version restated what was published: the sequence numbers between old and new, and inputs that changed.

Not here: the facts that came with these numbers (`operations.causes`).
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
    """Facts that began to count after one number and until another one, and change dates up to `last`."""

    after_seq: int
    until_seq: int
    last: date


@dataclass(frozen=True, slots=True)
class ChangedInput:
    """Partitions of an input that were used in another version than before. None: not used on that side."""

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
    """Recorded with the version when it was asked for."""
    partitions: int
    restated: int
    """Of the partitions those that had a version before."""
    republished_from: int | None
    supersedes: int | None
    """The version before it."""
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
    """Held facts that came or began to count within some spans; `admitted_seq` is null for those that do not count."""
    parameters = {
        "after_seq": min(span.after_seq for span in spans),
        "until_seq": max(span.until_seq for span in spans),
    }
    return connection.execute(query(ROOM, "causes_admissions"), parameters).fetchall()
