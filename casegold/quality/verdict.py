"""From results to an open or closed gate. Not here: the checks, approvals of waivers, or what a closed gate causes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from casegold.domain.contract import DatasetContract
from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, CheckStatus, digest_of_texts

CLOSING = frozenset({CheckStatus.FAILED, CheckStatus.MISSING})
"""What closes the gate when the check is required."""
_NO_RESULT = "the check gave no result"


class GateStatus(StrEnum):
    """PASSED and WAIVED are open; both are published under these names."""

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
    """The gate of one partition, and why it is not simply open."""

    partition: date
    status: GateStatus
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate of every partition of a range, and the results it rests on (WAIVED and missing ones included)."""

    partitions: tuple[PartitionVerdict, ...]
    results: tuple[CheckResult, ...]

    def status(self, partition: date) -> GateStatus:
        """The gate of one partition. Raises KeyError for one that was not judged."""
        return {p.partition: p.status for p in self.partitions}[partition]

    def closed(self) -> tuple[PartitionVerdict, ...]:
        """The partitions that may not be published."""
        return tuple(p for p in self.partitions if p.status is GateStatus.CLOSED)

    def passing_prefix(self) -> tuple[date, ...]:
        """The longest run of open partitions from the first on."""
        prefix = []
        for judged in self.partitions:
            if judged.status is GateStatus.CLOSED:
                break
            prefix.append(judged.partition)
        return tuple(prefix)

    def quality_status(self, partitions: Iterable[date]) -> GateStatus:
        """What a version of these partitions is published as: WAIVED when any of them is.

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
    """Judge each partition by the contract's required checks; one without a result counts as MISSING.

    Raises:
        InvariantBroken: a result of an unknown check or partition, or two for the same: the gate would judge by chance.
    """
    known = {check.name: check.required for check in contract.checks}
    asked = set(partitions)
    found: dict[tuple[date, str], CheckResult] = {}
    for result in results:
        place = (result.partition, result.check)
        if place in found or result.check not in known or result.partition not in asked:
            raise InvariantBroken(f"unexpected result of check {result.check} for {result.partition}")
        # Whether a check is required is the contract's word alone.
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
    """A digest of what closed the gate: while it stays the same, judging again would find the same."""
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
