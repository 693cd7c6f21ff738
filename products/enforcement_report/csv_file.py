"""The report's table as CSV by RFC 4180: the same bytes for the same figures."""

from __future__ import annotations

import csv
import io

import pyarrow as pa

from casegold.domain.csv_text import safe_cell


def render_csv(table: pa.Table) -> bytes:
    """The table in UTF-8 with a header line, in key order.

    Counts are whole numbers, amounts and days have two decimals with a point; a figure without a value is empty. Names
    that a spreadsheet would take for a formula have an apostrophe before them.
    """
    rows = sorted(
        table.to_pylist(),
        key=lambda r: (r["report_month"], r["dimension"], r["dimension_value"], r["measure"], r["unit"]),
    )
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.column_names)
    for row in rows:
        value = row["value"]
        if value is not None:
            value = f"{value:.0f}" if row["unit"] == "cases" else f"{value:.2f}"
        names = [safe_cell(name) for name in list(row.values())[1:-1]]
        writer.writerow([row["report_month"].isoformat(), *names, value])
    return text.getvalue().encode()
