"""What a product's own Python may give in place of what follows from its folder: `custom.py`, a `Custom` named CUSTOM.

Only products of this repository have one. Not here: what is done where nothing is given (`jobs.product_rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import pyarrow as pa

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract
from casegold.quality.results import CheckResult
from casegold.transform.evidence import ReportEvidence


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file to keep beside the rows of one partition."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate is asked: the staged rows of some partitions, and the input dates each was made from."""

    contract: DatasetContract
    rows: pl.DataFrame
    partitions: Sequence[date]
    days_read: Mapping[date, Collection[date]]
    register_start: date | None


@dataclass(frozen=True, slots=True)
class Custom:
    """A product's own functions; None: what follows from the folder."""

    compute: Callable[[duckdb.DuckDBPyConnection, date, BusinessCalendar], pa.Table] | None = None
    """The rows of a period, on a connection that holds the inputs as views."""
    judge: Callable[[Judgement], Sequence[CheckResult]] | None = None
    render: Callable[[pa.Table, ReportEvidence], Sequence[Rendered]] | None = None
    """The files beside the rows."""
    headline: Callable[[pa.Table, date], Mapping[str, str | int | float]] | None = None
    """The few figures of one partition that its page in the UI shows."""
