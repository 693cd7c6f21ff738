"""Datasets made from published partitions: what each needs beside its contract. A new one is one entry here.

Not here: when they are due (planner), how they are published (runtime.jobs).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract, InputMapping
from casegold.domain.errors import ConfigurationError
from casegold.quality.results import CheckResult
from casegold.runtime.outcome import Scalar
from casegold.transform.evidence import ReportEvidence
from products.breach_metrics.build import build_breach_metrics
from products.breach_metrics.checks import check_breach_metrics
from products.enforcement_report.build import build_report
from products.enforcement_report.checks import check_reports
from products.enforcement_report.csv_file import render_csv
from products.enforcement_report.figures import MEASURES, Figures, number, unit_of
from products.enforcement_report.page import render_html


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
    register_start: date


@dataclass(frozen=True, slots=True)
class Product:
    """How one dataset is made from published partitions."""

    views: Mapping[InputMapping, str]
    """Under which name the SQL finds the rows of an input."""
    compute: Callable[[duckdb.DuckDBPyConnection, date, BusinessCalendar], pa.Table]
    judge: Callable[[Judgement], Sequence[CheckResult]]
    render: Callable[[pa.Table, ReportEvidence], Sequence[Rendered]]
    """The files beside the rows; `_no_files` for a product that is its rows alone."""
    headline: Callable[[pa.Table, date], Mapping[str, Scalar]]
    """The few figures of one partition that its page in the UI shows."""


def _no_files(_table: pa.Table, _evidence: ReportEvidence) -> Sequence[Rendered]:
    return ()


def _metrics_in_short(table: pa.Table, _quarter: date) -> Mapping[str, Scalar]:
    counts = ("cases", "clocks_started", "clocks_running", "cases_breached")
    return {name.replace("_", " "): pc.sum(table[name]).as_py() or 0 for name in counts}


def _report_in_short(table: pa.Table, month: date) -> Mapping[str, Scalar]:
    figures = Figures.of(table, month)
    shown = {label.lower(): number(figures.get(measure), unit_of(measure)) for measure, label in MEASURES.items()}
    return shown | {f"penalties, {unit}": number(figures.penalty(unit), unit) for unit in figures.currencies()}


def _judge_metrics(asked: Judgement) -> Sequence[CheckResult]:
    return check_breach_metrics(
        asked.contract,
        asked.rows,
        asked.partitions,
        days_read=asked.days_read,
        register_start=asked.register_start,
    )


def _judge_report(asked: Judgement) -> Sequence[CheckResult]:
    return check_reports(
        asked.contract,
        asked.rows,
        asked.partitions,
        days_read=asked.days_read,
        register_start=asked.register_start,
    )


def _render_report(table: pa.Table, evidence: ReportEvidence) -> Sequence[Rendered]:
    name = f"enforcement-report-{evidence.month:%Y-%m}"
    return (
        Rendered(f"{name}.csv", "text/csv", render_csv(table)),
        Rendered(f"{name}.html", "text/html", render_html(table, evidence).encode()),
    )


PRODUCTS = {
    "breach_metrics": Product(
        views={InputMapping.DAYS_OF_PERIOD: "snapshot_rows", InputMapping.DAY_BEFORE_PERIOD: "previous_quarter_end"},
        compute=build_breach_metrics,
        judge=_judge_metrics,
        render=_no_files,
        headline=_metrics_in_short,
    ),
    "report": Product(
        views={InputMapping.DAYS_OF_PERIOD: "snapshot_rows", InputMapping.DAY_BEFORE_PERIOD: "previous_month_end"},
        compute=build_report,
        judge=_judge_report,
        render=_render_report,
        headline=_report_in_short,
    ),
}
"""By the name of the transform in the dataset's contract."""


def product_of(contract: DatasetContract) -> Product:
    """The product that a contract names.

    Raises:
        ConfigurationError: nothing is known by that name.
    """
    if contract.transform not in PRODUCTS:
        raise ConfigurationError(
            f"{contract.dataset} names the transform {contract.transform!r}",
            remedy=f"known are {', '.join(PRODUCTS)}; add an entry to casegold.runtime.products",
        )
    return PRODUCTS[contract.transform]
