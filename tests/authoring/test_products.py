"""The headline figures that a partition's page in the UI shows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from casegold.jobs.product_rules import headline
from casegold.runtime.product_folder import read_products
from products.breach_metrics.build import METRICS_SCHEMA
from tests.report.register import EVE, MONTH, Case, build

PRODUCTS = {product.transform: product for product in read_products()}
OPENED = date(2026, 2, 10)


def test_a_report_shows_its_totals_and_each_currency() -> None:
    decided = [
        Case("a", EVE, [(OPENED, "decide", (Decimal("1234.50"), "EUR", 9)), (OPENED, "close", None)]),
        Case("b", OPENED, [(OPENED, "decide", (Decimal("9.99"), "USD", 13))]),
    ]
    shown = headline(PRODUCTS["report"], build([row for case in decided for row in case.rows()]), MONTH)
    assert shown["open at start"] == "1"
    assert (shown["opened"], shown["closed"], shown["open at end"], shown["decided"]) == ("1", "1", "1", "2")
    assert (shown["penalties, EUR"], shown["penalties, USD"]) == ("1,234.50", "9.99")


def test_a_report_of_nothing_shows_no_median() -> None:
    shown = headline(PRODUCTS["report"], build([]), MONTH)
    assert shown["open at end"] == "0"
    assert shown["median days to decision"] == "\N{EN DASH}"


def test_metrics_show_sums_over_their_groups() -> None:
    metrics = PRODUCTS["breach_metrics"]
    groups = [
        {"case_type": kind, "cases": cases, "clocks_started": 2, "clocks_running": 1, "cases_breached": breached}
        for kind, cases, breached in (("FRAUD", 5, 0), ("TAX", 7, 3))
    ]
    table = METRICS_SCHEMA.empty_table()
    zero = dict.fromkeys(("cases", "clocks started", "clocks running", "cases breached"), 0)
    assert headline(metrics, table, MONTH) == zero
    table = table.from_pylist(groups, schema=METRICS_SCHEMA)
    sums = {"cases": 12, "clocks started": 4, "clocks running": 2, "cases breached": 3}
    assert headline(metrics, table, MONTH) == sums
