"""Checks that no case gets lost: a snapshot against the day before and against the known openings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from casegold.domain.errors import InvariantBroken
from casegold.quality.results import CheckResult, by_partition, outcome


def check_continuity(
    frame: pl.DataFrame,
    partitions: Sequence[date],
    *,
    previous: pl.Series | None,
    corrected_openings: pl.Series,
    required: bool = True,
) -> tuple[CheckResult, ...]:
    """Every case of the day before is present, unless its opening was corrected.

    Args:
        frame: rows of `partitions` with `snapshot_date` and `case_id`.
        partitions: consecutive dates, ascending.
        previous: case ids of the published day before the first partition; None = the register has no such day.
        corrected_openings: cases whose opening an admitted correction retracts or moves.

    Raises:
        InvariantBroken: the dates are not consecutive, so the day before is undefined.
    """
    if list(partitions) != [partitions[0] + timedelta(days=n) for n in range(len(partitions))]:
        raise InvariantBroken(
            "continuity needs consecutive dates, these have a gap",
            remedy="judge each run of consecutive dates by itself",
        )
    present = frame.select("snapshot_date", "case_id").unique()
    before = present.filter(pl.col("snapshot_date") < partitions[-1]).with_columns(
        pl.col("snapshot_date").dt.offset_by("1d")
    )
    if previous is not None:
        first = previous.cast(pl.String).alias("case_id").to_frame().unique()
        before = pl.concat([first.select(pl.lit(partitions[0]).alias("snapshot_date"), "case_id"), before])
    gone = (
        before.join(present, on=["snapshot_date", "case_id"], how="anti")
        .join(corrected_openings.cast(pl.String).alias("case_id").to_frame().unique(), on="case_id", how="anti")
        .sort("snapshot_date", "case_id")
    )
    return tuple(
        outcome(
            "continuity",
            day,
            required=required,
            bad=rows,
            expected="every case of the day before",
            actual=f"{rows.height} cases are missing" if rows.height else "",
            detail="there is no day before" if previous is None and day == partitions[0] else "",
        )
        for day, rows in by_partition(gone, "snapshot_date", partitions).items()
    )


def check_presence(
    frame: pl.DataFrame, partitions: Sequence[date], *, openings: pl.DataFrame, required: bool = True
) -> tuple[CheckResult, ...]:
    """Every case with a known, uncorrected opening has a row from that date on: detects an empty or partial read.

    Args:
        openings: `case_id`, `opened_on` (the first business date of such an opening), one row per case.
    """
    days = pl.DataFrame({"snapshot_date": list(partitions)}, schema={"snapshot_date": pl.Date}).sort("snapshot_date")
    # Openings counted up to each date: cheaper than generating the expected rows of every date.
    expected = days.join_asof(
        openings.select("opened_on").sort("opened_on").with_columns(pl.int_range(1, pl.len() + 1).alias("expected")),
        left_on="snapshot_date",
        right_on="opened_on",
        strategy="backward",
    ).with_columns(pl.col("expected").fill_null(0))
    found = (
        frame.select("snapshot_date", "case_id")
        .unique()
        .join(openings, on="case_id", how="inner")
        .filter(pl.col("opened_on") <= pl.col("snapshot_date"))
    )
    counted = expected.join(found.group_by("snapshot_date").len("found"), on="snapshot_date", how="left")
    results = []
    for day, _, wanted, there in counted.select("snapshot_date", "opened_on", "expected", "found").iter_rows():
        missing = openings.clear()
        if wanted != (there or 0):
            seen = found.filter(pl.col("snapshot_date") == day)
            missing = openings.filter(pl.col("opened_on") <= day).join(seen, on="case_id", how="anti").sort("case_id")
        results.append(
            outcome(
                "presence",
                day,
                required=required,
                bad=missing,
                expected=f"{wanted} cases with a known opening",
                actual=f"{there or 0} of them",
            )
        )
    return tuple(results)
