"""The check `completeness`: the figures contain everything that the sources say they sent.

It judges the rows of `completeness.sql`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from casegold.domain.contract import DatasetContract
from casegold.quality.results import CheckResult, CheckStatus, by_partition, digest_of, outcome, sample_of

COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {
    "business_date": pl.Date,
    "source": pl.String,
    "event_type": pl.String,
    "revision": pl.Int64,
    "as_of": pl.Datetime("us", "UTC"),
    "expected": pl.Int64,
    "silver": pl.Int64,
    "held": pl.Int64,
    "rejected": pl.Int64,
    "not_covered": pl.Int64,
}
"""The columns of `completeness.sql`."""


def facts_of(comparison: pl.DataFrame) -> Mapping[date, int]:
    """How many facts are in the figures of each date, whether a control total covers them or not."""
    counted = comparison.group_by("business_date").agg(pl.sum_horizontal("silver", "not_covered").sum().alias("facts"))
    return dict(counted.iter_rows())


def check_completeness(
    contract: DatasetContract,
    comparison: pl.DataFrame,
    partitions: Sequence[date],
    *,
    event_types: Sequence[str],
    required: bool = True,
    let_pass: Collection[date] = (),
) -> tuple[CheckResult, ...]:
    """Facts in the figures = facts counted, for each date, source and type that has a total.

    The result is MISSING if a source that the contract requires lacks a total of any type. Facts sent after the total
    was taken, and sources without totals that are not required, appear in the detail and fail nothing.

    Args:
        comparison: rows of `completeness.sql` at the run's pinned sequence numbers.
        event_types: every type for which a required source owes a total, zeros included.
        let_pass: dates whose rejected facts the contract tolerates or people waived: that many facts may be missing.
    """
    rows = comparison.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    owed = [(s.source, kind) for s in contract.sources if s.required for kind in event_types]
    wanted = pl.DataFrame(owed, schema={"source": pl.String, "event_type": pl.String}, orient="row")
    return tuple(
        _judge(day, part, wanted, required, let_pass=day in let_pass)
        for day, part in by_partition(rows, "business_date", partitions).items()
    )


def _judge(day: date, rows: pl.DataFrame, wanted: pl.DataFrame, required: bool, *, let_pass: bool) -> CheckResult:
    told = rows.filter(pl.col("expected").is_not_null())
    missing = wanted.join(told, on=["source", "event_type"], how="anti").sort("source", "event_type")
    detail = _detail(rows)
    if not missing.is_empty():
        return CheckResult(
            "completeness",
            day,
            required,
            CheckStatus.MISSING,
            failures=missing.height,
            expected=f"{wanted.height} control totals",
            actual=f"{missing.height} have not arrived",
            sample=sample_of(missing),
            detail=detail,
            reads=digest_of(missing),
        )
    lacking = pl.col("expected") - pl.col("silver")
    allowed = pl.col("rejected") if let_pass else pl.lit(0, dtype=pl.Int64)
    bad = told.filter((lacking < 0) | (lacking > allowed)).select(
        "source", "event_type", "expected", pl.col("silver").alias("actual"), "rejected", "held", "revision", "as_of"
    )
    return outcome(
        "completeness",
        day,
        required=required,
        bad=bad,
        expected=f"{told['expected'].sum()} events in {told.height} control totals",
        actual=f"{told['silver'].sum()} events; {bad.height} totals differ",
        detail=detail,
    )


def _detail(rows: pl.DataFrame) -> str:
    """Counts that people should see although they fail nothing."""
    totals = rows.filter(pl.col("expected").is_not_null())
    parts = [
        (totals["rejected"].sum(), "rejected"),
        (totals["held"].sum(), "held or refused by people"),
        (totals["not_covered"].sum(), "sent after the count, not yet covered"),
        (rows.filter(pl.col("expected").is_null())["not_covered"].sum(), "without a control total"),
    ]
    return ", ".join(f"{count} {what}" for count, what in parts if count)
