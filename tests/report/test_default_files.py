"""The page and CSV that follow from a contract: whole, escaped, the same bytes for the same rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from casegold.domain.contract import PartitionedBy
from casegold.domain.product import Product
from casegold.jobs.product_rules import render
from casegold.runtime.product_folder import read_products
from casegold.transform import default_files
from tests.report.test_page import EVIDENCE

METRICS: Product = next(each for each in read_products() if each.name == "breach_metrics")
SCHEMA = METRICS.contract.arrow_schema()
WORDS = {"Open <b>": "not closed & not gone."}
PLAIN = replace(METRICS, name="own_metrics", is_ours=False, has_files=True, words=WORDS)


def rows(*kinds: str) -> pa.Table:
    values = {
        "quarter_start": EVIDENCE.month,
        "jurisdiction": "NL",
        "team": "",
        "cases": 1234,
        "cases_with_clock": 0,
        "clocks_started": 0,
        "clocks_running": 0,
        "cases_breached": 0,
        "breach_rate": None,
        "shares_measured": 0,
        "consumed_share_p50": None,
        "consumed_share_p90": None,
    }
    return pa.Table.from_pylist([{**values, "case_type": kind} for kind in kinds], schema=SCHEMA)


def page(table: pa.Table) -> str:
    csv, html = render(PLAIN, PLAIN.contract, table, EVIDENCE)
    assert (csv.name, csv.media_type) == ("own-metrics-2026-02.csv", "text/csv")
    assert (html.name, html.media_type) == ("own-metrics-2026-02.html", "text/html")
    return html.content.decode()


def test_every_text_is_escaped_and_the_evidence_is_there() -> None:
    shown = page(rows("<script>alert(1)</script>"))
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "Open &lt;b&gt;" in shown
    assert "not closed &amp; not gone." in shown
    assert EVIDENCE.run_id in shown
    assert "default-src 'none'" in shown


def test_figures_are_those_declared() -> None:
    shown = page(rows("FRAUD", "TAX"))
    assert '<dt>clocks started</dt><dd class="value">0</dd>' in shown
    assert '<dt>cases</dt><dd class="value">2,468</dd>' in shown


def test_the_csv_is_whole_ordered_and_no_formula() -> None:
    table = rows("TAX", "=1+1", "FRAUD")
    text = default_files.render_csv(PLAIN.contract, table)
    first, *lines = text.decode().splitlines()
    assert first.split(",") == SCHEMA.names
    assert [line.split(",")[1] for line in lines] == ["'=1+1", "FRAUD", "TAX"]
    assert lines[1] == "2026-02-01,FRAUD,NL,,1234,0,0,0,0,,0,,"
    assert default_files.render_csv(PLAIN.contract, table.take([2, 1, 0])) == text


def test_a_long_table_is_cut_on_the_page_and_says_so() -> None:
    shown = page(rows(*(f"T{number:04}" for number in range(default_files.ROWS_SHOWN + 1))))
    assert "The first 500 rows; 1 more are in the CSV file." in shown
    assert "T0499" in shown
    assert "T0500" not in shown


@pytest.mark.parametrize(
    ("period", "day", "name"),
    [
        (PartitionedBy.MONTH, date(2026, 2, 1), "February 2026"),
        (PartitionedBy.QUARTER, date(2026, 10, 1), "Q4 2026"),
        (PartitionedBy.DAY, date(2026, 2, 3), "2026-02-03"),
    ],
)
def test_a_period_has_the_name_that_people_give_it(period: PartitionedBy, day: date, name: str) -> None:
    assert default_files.period_name(replace(PLAIN.contract, partitioned_by=period), day) == name


def test_a_product_that_wants_no_files_has_none() -> None:
    assert render(METRICS, METRICS.contract, rows("FRAUD"), EVIDENCE) == ()
