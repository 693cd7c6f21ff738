"""The verdict: from check results to an open or closed gate. Not here: checks, waiver approvals, and the hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from casegold.domain.contract import DatasetContract
from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, CheckStatus, digest_of_texts

CLOSING = frozenset({CheckStatus.FAILED, CheckStatus.MISSING})
"""Statuses that close the gate if the check is required."""
_NO_RESULT = "the check gave no result"


class GateStatus(StrEnum):
    """PASSED and WAIVED are open; a version is published with one of them as its quality status."""

    PASSED = "PASSED"
    WAIVED = "WAIVED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Waiver:
    """An approved decision to let one check of some partitions fail."""

    check: str
    first: date
    last: date

    def covers(self, check: str, partition: date) -> bool:
        return check == self.check and self.first <= partition <= self.last


@dataclass(frozen=True, slots=True)
class PartitionVerdict:
    """The gate of one partition, with the reasons if it is closed, or open by waiver or tolerance."""

    partition: date
    status: GateStatus
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate of every partition of a range, and the results behind it, including WAIVED and MISSING ones."""

    partitions: tuple[PartitionVerdict, ...]
    results: tuple[CheckResult, ...]

    def status(self, partition: date) -> GateStatus:
        """The gate of one partition. Raises KeyError if it was not judged."""
        return {p.partition: p.status for p in self.partitions}[partition]

    def closed(self) -> tuple[PartitionVerdict, ...]:
        """The partitions that may not be published."""
        return tuple(p for p in self.partitions if p.status is GateStatus.CLOSED)

    def passing_prefix(self) -> tuple[date, ...]:
        """The open partitions from the first one up to the first closed one."""
        prefix = []
        for judged in self.partitions:
            if judged.status is GateStatus.CLOSED:
                break
            prefix.append(judged.partition)
        return tuple(prefix)

    def quality_status(self, partitions: Iterable[date]) -> GateStatus:
        """The quality status of a version of these partitions: WAIVED if any of them is.

        Raises:
            InvariantBroken: one of them is closed.
        """
        statuses = {self.status(partition) for partition in partitions}
        if GateStatus.CLOSED in statuses:
            raise InvariantBroken("a closed partition has no quality status to publish under")
        return GateStatus.WAIVED if GateStatus.WAIVED in statuses else GateStatus.PASSED


def verdict(
    contract: DatasetContract,
    results: Iterable[CheckResult],
    partitions: Sequence[date],
    waivers: Sequence[Waiver] = (),
) -> Verdict:
    """Judge each partition by the contract's required checks; a check without a result counts as MISSING.

    Raises:
        InvariantBroken: a result is for an unknown check or partition, or a check has two results for one partition.
    """
    known = {check.name: check.required for check in contract.checks}
    asked = set(partitions)
    found: dict[tuple[date, str], CheckResult] = {}
    for result in results:
        place = (result.partition, result.check)
        if place in found or result.check not in known or result.partition not in asked:
            raise InvariantBroken(f"unexpected result of check {result.check} for {result.partition}")
        # Only the contract decides whether a check is required.
        found[place] = replace(result, required=known[result.check])
    judged = []
    complete: list[CheckResult] = []
    for partition in sorted(partitions):
        own = [
            _waived(found.get((partition, name)) or _missing(name, partition, required), waivers)
            for name, required in known.items()
        ]
        complete += own
        judged.append(_judge(partition, own))
    return Verdict(tuple(judged), tuple(complete))


def fingerprint(results: Iterable[CheckResult]) -> str:
    """A digest of the results that closed the gate: while it is unchanged, judging again gives the same verdict."""
    closing = (r for r in results if r.required and r.status in CLOSING)
    return digest_of_texts(
        text
        for result in sorted(closing, key=lambda r: (r.partition, r.check))
        for text in (result.partition.isoformat(), result.check, result.status, result.reads)
    )


def _missing(check: str, partition: date, required: bool) -> CheckResult:
    return CheckResult(check, partition, required, CheckStatus.MISSING, detail=_NO_RESULT)


def _waived(result: CheckResult, waivers: Sequence[Waiver]) -> CheckResult:
    covered = any(waiver.covers(result.check, result.partition) for waiver in waivers)
    return replace(result, status=CheckStatus.WAIVED) if covered and result.status in CLOSING else result


def _judge(partition: date, results: Sequence[CheckResult]) -> PartitionVerdict:
    required = [result for result in results if result.required]
    closing = [r for r in required if r.status in CLOSING]
    waived = [r for r in required if r.status is CheckStatus.WAIVED]
    tolerated = [r for r in required if r.status is CheckStatus.TOLERATED]
    status = GateStatus.CLOSED if closing else GateStatus.WAIVED if waived else GateStatus.PASSED
    return PartitionVerdict(partition, status, tuple(_reason(result) for result in closing or [*waived, *tolerated]))


def _reason(result: CheckResult) -> str:
    said = result.actual or result.detail
    return (
        f"{result.check} {result.status}: expected {result.expected}, found {said}"
        if result.expected
        else (f"{result.check} {result.status}: {said}")
    )
