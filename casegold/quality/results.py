"""The result of one check for one partition. Not here: the checks, and the verdict over their results (`verdict`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

SAMPLE_SIZE = 10


class CheckStatus(StrEnum):
    """MISSING: the check could not be evaluated and counts as failed. WAIVED: failed or missing, allowed by a waiver.

    TOLERATED: failed, but within the tolerance of the contract.
    """

    PASSED = "PASSED"
    FAILED = "FAILED"
    MISSING = "MISSING"
    WAIVED = "WAIVED"
    TOLERATED = "TOLERATED"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one partition."""

    check: str
    partition: date
    required: bool
    status: CheckStatus
    failures: int = 0
    """The exact number of bad rows, keys or totals; unlike the sample, it is not capped."""
    expected: str = ""
    actual: str = ""
    sample: tuple[dict[str, str], ...] = ()
    """The first failures in key order, at most ten."""
    detail: str = ""
    reads: str = ""
    """SHA-256 of the data that made the check fail; equal data give an equal value. Empty if the check passed."""


def outcome(
    check: str,
    partition: date,
    *,
    required: bool,
    bad: pl.DataFrame,
    expected: str,
    actual: str = "",
    detail: str = "",
) -> CheckResult:
    """PASSED if `bad` is empty, else FAILED with count, sample and digest of its rows.

    Args:
        bad: one row per failure, in display order.
        expected: the expectation, shown in both cases.
        actual: what was found; by default the number of failures.
        detail: shown in both cases.
    """
    if bad.is_empty():
        return CheckResult(
            check, partition, required, CheckStatus.PASSED, expected=expected, actual=expected, detail=detail
        )
    return CheckResult(
        check,
        partition,
        required,
        CheckStatus.FAILED,
        failures=bad.height,
        expected=expected,
        actual=actual or f"{bad.height} rows violate this",
        sample=sample_of(bad),
        detail=detail,
        reads=digest_of(bad),
    )


def not_judged(schema: Iterable[CheckResult], checks: Mapping[str, bool]) -> tuple[CheckResult, ...]:
    """MISSING results for checks that need the contract's columns, when the rows do not have them.

    Args:
        schema: the failed results of the schema check, one per partition.
        checks: names, and whether each is required.
    """
    return tuple(
        CheckResult(
            name,
            failed.partition,
            required,
            CheckStatus.MISSING,
            detail="not judged: the rows do not have the contract's columns",
            reads=failed.reads,
        )
        for failed in schema
        for name, required in checks.items()
    )


def sample_of(rows: pl.DataFrame) -> tuple[dict[str, str], ...]:
    """The first rows as text; nulls are left out, so that none looks like text."""
    return tuple(
        {name: str(value) for name, value in row.items() if value is not None}
        for row in rows.head(SAMPLE_SIZE).iter_rows(named=True)
    )


def digest_of(rows: pl.DataFrame) -> str:
    """SHA-256 of the rows, independent of their order."""
    lines = sorted(rows.select(pl.all().cast(pl.String)).write_ndjson().splitlines())
    return digest_of_texts(lines)


def digest_of_texts(texts: Iterable[str]) -> str:
    """SHA-256 of the texts in order, length-prefixed so that different lists never have the same encoding."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def by_partition(rows: pl.DataFrame, column: str, partitions: Iterable[date]) -> Mapping[date, pl.DataFrame]:
    """The rows of each partition; an empty frame for a partition without rows."""
    parts = {key[0]: part for key, part in rows.partition_by(column, as_dict=True).items()}
    empty = rows.clear()
    return {partition: parts.get(partition, empty) for partition in partitions}
