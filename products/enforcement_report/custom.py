"""What SQL and contract do not say of the report: sums over groups as a check, a page with charts, its headline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from casegold.quality.custom import Custom, Judgement, Rendered
from casegold.quality.results import CheckResult
from casegold.transform.evidence import ReportEvidence
from products.enforcement_report.build import build_report
from products.enforcement_report.checks import check_reports
from products.enforcement_report.csv_file import render_csv
from products.enforcement_report.figures import MEASURES, Figures, number, unit_of
from products.enforcement_report.page import render_html


def _judge(asked: Judgement) -> Sequence[CheckResult]:
    return check_reports(
        asked.contract,
        asked.rows,
        asked.partitions,
        days_read=asked.days_read,
        register_start=asked.register_start,
    )


def _render(table: pa.Table, evidence: ReportEvidence) -> Sequence[Rendered]:
    name = f"enforcement-report-{evidence.month:%Y-%m}"
    return (
        Rendered(f"{name}.csv", "text/csv", render_csv(table)),
        Rendered(f"{name}.html", "text/html", render_html(table, evidence).encode()),
    )


def _headline(table: pa.Table, month: date) -> Mapping[str, str | int | float]:
    figures = Figures.of(table, month)
    shown = {label.lower(): number(figures.get(measure), unit_of(measure)) for measure, label in MEASURES.items()}
    return shown | {f"penalties, {unit}": number(figures.penalty(unit), unit) for unit in figures.currencies()}


CUSTOM = Custom(compute=build_report, judge=_judge, render=_render, headline=_headline)
