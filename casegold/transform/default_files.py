"""The default CSV file and page of a product without its own, from its contract, figures and words.

Not here: the frame of a page (`page`), and where files are stored.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from casegold.domain.contract import DatasetContract, PartitionedBy
from casegold.domain.csv_text import safe_cell
from casegold.domain.markup import html
from casegold.domain.product import Product
from casegold.transform import page
from casegold.transform.evidence import ReportEvidence

ROWS_SHOWN = 500
"""Rows on the page; the CSV file has every row."""


def stem(product: Product, contract: DatasetContract, period: date) -> str:
    """The name of a period's files without the extension: `overdue-cases-2026-02`."""
    form = "%Y-%m-%d" if contract.partitioned_by is PartitionedBy.DAY else "%Y-%m"
    return f"{product.name.replace('_', '-')}-{period.strftime(form)}"


def render_csv(contract: DatasetContract, table: pa.Table) -> bytes:
    """The rows as CSV (RFC 4180, UTF-8) with a header line, sorted by key: the same rows give the same bytes.

    A null is empty. A text that a spreadsheet would read as a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.column_names)
    for row in _sorted(contract, table).to_pylist():
        writer.writerow([safe_cell(value) if isinstance(value, str) else _text(value) for value in row.values()])
    return text.getvalue().encode()


def render_html(
    product: Product,
    contract: DatasetContract,
    table: pa.Table,
    figures: Mapping[str, str | int | float],
    evidence: ReportEvidence,
) -> str:
    """The page of a period: figures, rows, explained terms, and evidence."""
    period = period_name(contract, evidence.month)
    title = html(contract.title)
    body = [
        f'<header><div class="wide"><p class="over">{title}</p><h1>{html(period)}</h1>{page.badges(evidence)}'
        f'<p class="lead">{html(contract.description)}</p></div></header>',
        '<main class="wide">',
        page.warning(evidence),
        _tiles(figures),
        _rows(contract, table),
        page.meanings(product.words) if product.words else "",
        page.evidence_of(evidence),
        "</main>",
    ]
    return page.document(f"{contract.title}, {period}", body, evidence)


def period_name(contract: DatasetContract, period: date) -> str:
    """The display name of a period: `February 2026`, `Q1 2026`, `2026-02-01`."""
    match contract.partitioned_by:
        case PartitionedBy.MONTH:
            return f"{period:%B %Y}"
        case PartitionedBy.QUARTER:
            return f"Q{(period.month + 2) // 3} {period:%Y}"
        case _:
            return period.isoformat()


def _tiles(figures: Mapping[str, str | int | float]) -> str:
    if not figures:
        return ""
    cells = "".join(
        f'<div class="tile"><dt>{html(name)}</dt><dd class="value">{html(_number(value))}</dd></div>'
        for name, value in figures.items()
    )
    return f'<dl class="tiles">{cells}</dl>'


def _rows(contract: DatasetContract, table: pa.Table) -> str:
    shown = _sorted(contract, table).slice(0, ROWS_SHOWN)
    rest = table.num_rows - shown.num_rows
    note = f"The first {ROWS_SHOWN} rows; {rest:,} more are in the CSV file." if rest else f"{table.num_rows:,} rows."
    names = [column.name for column in contract.columns if column.name != contract.partition_column]
    meanings = {column.name: column.description for column in contract.columns}
    head = "".join(f'<th scope="col" title="{html(meanings[name])}">{html(name)}</th>' for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td><bdi>{html(_number(row[name]))}</bdi></td>" for name in names) + "</tr>"
        for row in shown.to_pylist()
    )
    return (
        f'<section aria-labelledby="rows"><h2 id="rows">Rows</h2><p class="note">{note}</p>'
        '<div class="scroll" role="region" tabindex="0" aria-labelledby="rows"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _sorted(contract: DatasetContract, table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in contract.key])


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
