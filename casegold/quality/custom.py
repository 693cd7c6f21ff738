"""The interface of a product's own Python: `custom.py` defines CUSTOM, a `Custom` that overrides default functions.

Only products of this repository have one. Not here: the defaults (`jobs.product_rules`).
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
    """An artifact of one partition, stored in addition to its rows."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """The input of a gate: the staged rows of some partitions, and the input dates that each was computed from."""

    contract: DatasetContract
    rows: pl.DataFrame
    partitions: Sequence[date]
    days_read: Mapping[date, Collection[date]]
    register_start: date | None


@dataclass(frozen=True, slots=True)
class Custom:
    """A product's own functions; None: the default, derived from the product's folder."""

    compute: Callable[[duckdb.DuckDBPyConnection, date, BusinessCalendar], pa.Table] | None = None
    """Returns the rows of a period, on a connection that has the inputs as views."""
    judge: Callable[[Judgement], Sequence[CheckResult]] | None = None
    render: Callable[[pa.Table, ReportEvidence], Sequence[Rendered]] | None = None
    """Returns the artifacts of a partition."""
    headline: Callable[[pa.Table, date], Mapping[str, str | int | float]] | None = None
    """Returns the figures of one partition that its page in the UI shows."""
