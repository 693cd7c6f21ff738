"""Checks for facts that are known to be missing from a date's figures: rejected records and open conflicts.

They judge the rows of `rejections_counts.sql`, `rejections_sample.sql` and `conflicts.sql`. Not here: facts that a
source counted but that never arrived (`completeness`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from casegold.domain.contract import CheckRule, DatasetContract
from casegold.quality.results import CheckResult, CheckStatus, by_partition, outcome, sample_of

REJECTED = "no_rejected_facts"
CONFLICTS = "no_open_conflicts"

REJECTED_REMEDY = (
    "have the source correct the records and send them again under the same ids; or, once an upgrade or the contract"
    " accepts them, send them again unchanged; or send control totals without them in a higher revision; or request"
    " a waiver"
)
CONFLICTS_REMEDY = "have the source send a CaseCorrected that names the event, or request a waiver"


def check_rejected(
    contract: DatasetContract,
    counts: pl.DataFrame,
    sample: pl.DataFrame,
    partitions: Sequence[date],
    *,
    facts: Mapping[date, int],
) -> tuple[CheckResult, ...]:
    """No rejected record of a declared source is open for a date. A failure is a record.

    Args:
        counts: rows of `rejections_counts.sql`, one per date.
        sample: rows of `rejections_sample.sql`.
        facts: how many facts are in the figures of each date.
    """
    rule = contract.check(REJECTED)
    counted = {row["business_date"]: row for row in counts.iter_rows(named=True)}
    results = []
    for day, rows in by_partition(sample, "business_date", partitions).items():
        row = counted.get(day)
        if row is None:
            results.append(
                CheckResult(REJECTED, day, rule.required, CheckStatus.MISSING, detail="no counts for this date")
            )
            continue
        shown = f"{row['shown']} records without a readable date arrived; the control totals show what is missing"
        result = CheckResult(
            REJECTED,
            day,
            rule.required,
            CheckStatus.FAILED if row["failures"] else CheckStatus.PASSED,
            failures=row["failures"],
            expected="no rejected record",
            actual=_reasons(row["failures"], rows),
            sample=sample_of(rows.drop("business_date")),
            detail="; ".join(
                text for text in (REJECTED_REMEDY if row["failures"] else "", shown if row["shown"] else "") if text
            ),
            reads=row["reads"],
        )
        results.append(_tolerated(rule, result, facts.get(day, 0)))
    return tuple(results)


def check_conflicts(
    contract: DatasetContract, conflicts: pl.DataFrame, partitions: Sequence[date], *, facts: Mapping[date, int]
) -> tuple[CheckResult, ...]:
    """No event of a date has an open conflict: two records with one id and different content. A failure is a record.

    Args:
        conflicts: rows of `conflicts.sql`.
    """
    rule = contract.check(CONFLICTS)
    return tuple(
        _tolerated(
            rule,
            outcome(
                CONFLICTS,
                day,
                required=rule.required,
                bad=rows.drop("business_date"),
                expected="no event with two different contents",
                actual=f"{rows.height} conflicting records" if rows.height else "",
                detail=CONFLICTS_REMEDY if rows.height else "",
            ),
            facts.get(day, 0),
        )
        for day, rows in by_partition(conflicts, "business_date", partitions).items()
    )


def _tolerated(rule: CheckRule, result: CheckResult, facts: int) -> CheckResult:
    tolerance = rule.tolerance
    if result.status is not CheckStatus.FAILED or tolerance is None:
        return result
    if not tolerance.allows(result.failures, facts + result.failures):
        return replace(result, detail=f"more than the contract tolerates ({tolerance}); {result.detail}")
    return replace(result, status=CheckStatus.TOLERATED, detail=f"the contract tolerates {tolerance}")


def _reasons(failures: int, sample: pl.DataFrame) -> str:
    if not failures:
        return "no rejected record"
    found = ", ".join(sample["reason"].unique().sort().to_list())
    return f"{failures} rejected records: {found}{', ...' if failures > sample.height else ''}"
