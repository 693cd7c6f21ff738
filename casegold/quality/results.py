"""What one check found out about one partition. Not here: the checks, and what follows from them (`verdict`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

SAMPLE_SIZE = 10


class CheckStatus(StrEnum):
    """MISSING: the check could not be made, which is as good as failed. WAIVED: failed or missing, and let pass.

    TOLERATED: failed within the number that the contract states, with its reason.
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
    """The exact number of bad rows, keys or totals; the sample is capped, this is not."""
    expected: str = ""
    actual: str = ""
    sample: tuple[dict[str, str], ...] = ()
    """At most ten of the failures, the first in key order."""
    detail: str = ""
    reads: str = ""
    """SHA-256 of what made the check fail: the same data give the same value in any process. Empty when it passed."""


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
    """PASSED when `bad` is empty, else FAILED with its rows counted, sampled and digested.

    Args:
        bad: one row for each failure, in the order in which people should see them.
        expected: what should be, shown in both cases.
        actual: what is; by default the number of failures.
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
        actual=actual or f"{bad.height} rows break this",
        sample=sample_of(bad),
        detail=detail,
        reads=digest_of(bad),
    )


def not_judged(schema: Iterable[CheckResult], checks: Mapping[str, bool]) -> tuple[CheckResult, ...]:
    """MISSING results of checks that rows without the contract's columns cannot answer.

    Args:
        schema: the failed results of the schema check, one for each partition.
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
    """The first rows as text; a null is left out, so that it is not taken for a text."""
    return tuple(
        {name: str(value) for name, value in row.items() if value is not None}
        for row in rows.head(SAMPLE_SIZE).iter_rows(named=True)
    )


def digest_of(rows: pl.DataFrame) -> str:
    """SHA-256 of the rows whatever their order."""
    lines = sorted(rows.select(pl.all().cast(pl.String)).write_ndjson().splitlines())
    return digest_of_texts(lines)


def digest_of_texts(texts: Iterable[str]) -> str:
    """SHA-256 of the texts in their order, length-prefixed, so that no two lists are written alike."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def by_partition(rows: pl.DataFrame, column: str, partitions: Iterable[date]) -> Mapping[date, pl.DataFrame]:
    """The rows of each partition, an empty frame for one without any."""
    parts = {key[0]: part for key, part in rows.partition_by(column, as_dict=True).items()}
    empty = rows.clear()
    return {partition: parts.get(partition, empty) for partition in partitions}
