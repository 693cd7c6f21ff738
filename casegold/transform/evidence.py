"""The evidence printed on a report, by which each number can be traced. Not here: collecting it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class InputVersion:
    """A published partition that the figures were computed from."""

    dataset: str
    partition: date
    version: int
    quality: str
    """PASSED or WAIVED."""
    tolerated: tuple[str, ...] = ()
    """What its gate tolerated under the contract, one line per check."""


@dataclass(frozen=True, slots=True)
class ReportEvidence:
    """The identity and lineage of one report."""

    dataset: str
    version: int | None
    """None until the version has a number."""
    month: date
    quality: str
    """PASSED or WAIVED: the verdict of the report's own gate."""
    publication: str
    """PROVISIONAL or OFFICIAL."""
    mode: str
    run_id: str
    attempt: int
    transform_version: str
    contract_version: str
    time_zone: str
    """The business time zone, in which months begin and end."""
    created_at: datetime
    inputs: tuple[InputVersion, ...]
    waived_checks: tuple[str, ...] = ()

    @property
    def waived(self) -> bool:
        """Whether the report or any of its inputs was published under a waiver."""
        return "WAIVED" in (self.quality, *(one.quality for one in self.inputs))

    def tolerated(self) -> list[str]:
        """What was tolerated in the inputs, by partition, one line per check."""
        return [f"{one.partition.isoformat()} {line}" for one in self.inputs for line in one.tolerated]

    def as_data(self) -> dict[str, object]:
        """The evidence as plain JSON values, dates and instants in ISO 8601."""
        data = asdict(self)
        data["month"] = self.month.isoformat()
        data["created_at"] = self.created_at.isoformat()
        data["waived_checks"] = list(self.waived_checks)
        data["inputs"] = [
            asdict(one) | {"partition": one.partition.isoformat(), "tolerated": list(one.tolerated)}
            for one in self.inputs
        ]
        return data


def version_ranges(inputs: tuple[InputVersion, ...]) -> list[tuple[str, date, date, int, str]]:
    """Consecutive partitions of one version and quality, as (dataset, first, last, version, quality)."""
    ranges: list[tuple[str, date, date, int, str]] = []
    for one in sorted(inputs, key=lambda i: (i.dataset, i.partition)):
        if ranges:
            dataset, first, last, version, quality = ranges[-1]
            follows = (one.partition - last).days == 1
            if follows and (dataset, version, quality) == (one.dataset, one.version, one.quality):
                ranges[-1] = (dataset, first, one.partition, version, quality)
                continue
        ranges.append((one.dataset, one.partition, one.partition, one.version, one.quality))
    return ranges
