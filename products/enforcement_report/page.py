"""The report as one HTML page that needs nothing else: no script, no font, no image from anywhere.

Every text from the data is escaped. Not here: the figures themselves, and where the page is stored.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from casegold.domain.markup import html
from casegold.transform import page
from casegold.transform.evidence import ReportEvidence
from products.enforcement_report import charts
from products.enforcement_report.figures import DIMENSIONS, MEASURES, Figures, number, unit_of

_CHARTED = 12
"""Groups drawn in a chart; all of them are in the table."""

_MEANINGS = {
    "Open": "not closed at the end of the day.",
    "Opened": "the case's first opening lies in the month.",
    "Reopened, closed": "changes between the ends of two days; a case may be closed and reopened more than once.",
    "Escalated": "cases whose level rose in the month.",
    "Breached": "cases whose first breach of the clock lies in the month.",
    "Decided": "cases whose decision in force at the month's end was issued in the month.",
    "Days to decision, penalties": "those of the cases decided in the month.",
    "Groups": "a case counts, with all of its month, where it stands at the month's end.",
}


def render_html(table: pa.Table, evidence: ReportEvidence) -> str:
    """The page of `evidence.month`: figures, charts with their tables, definitions, and how the figures came to be."""
    figures = Figures.of(table, evidence.month)
    month = f"{evidence.month:%B %Y}"
    body = [
        _header(month, evidence, figures),
        '<main class="wide">',
        page.warning(evidence),
        _tiles(figures),
        _movements(figures),
        *(_dimension(figures, dimension, title) for dimension, title in DIMENSIONS.items()),
        _penalties(figures),
        page.meanings(_MEANINGS),
        page.evidence_of(evidence),
        "</main>",
    ]
    return page.document(f"Enforcement report, {month}", body, evidence)


def _header(month: str, evidence: ReportEvidence, figures: Figures) -> str:
    end, start = figures.count("OPEN_AT_END"), figures.count("OPEN_AT_START")
    change = f"{abs(end - start):,} {'more' if end > start else 'fewer'} than" if end != start else "as many as"
    lead = (
        f"{end:,} cases were open at the end of the month, {change} at its start. "
        f"{figures.count('OPENED'):,} were opened, {figures.count('CLOSED'):,} closed and "
        f"{figures.count('DECIDED'):,} decided; {figures.count('BREACHED'):,} breached their clock."
    )
    return (
        f'<header><div class="wide"><p class="over">Enforcement report</p><h1>{html(month)}</h1>'
        f'{page.badges(evidence)}<p class="lead">{lead}</p></div></header>'
    )


def _tiles(figures: Figures) -> str:
    change = figures.count("OPEN_AT_END") - figures.count("OPEN_AT_START")
    hints = {
        "OPEN_AT_END": f"{change:+,} since the start".replace("-", "−"),  # noqa: RUF001 - a minus sign
        "OPENED": "first openings",
        "CLOSED": f"{figures.count('REOPENED'):,} reopened",
        "ESCALATED": "to a higher level",
        "BREACHED": "for the first time",
        "DECIDED": "in force at the end",
        "MEDIAN_DAYS_TO_DECISION": "from the first opening",
    }
    tiles = [(MEASURES[name], number(figures.get(name), unit_of(name)), hint) for name, hint in hints.items()]
    tiles += [(f"Penalties, {unit}", number(figures.penalty(unit), unit), "imposed") for unit in figures.currencies()]
    cells = "".join(
        f'<div class="tile"><dt>{html(name)}</dt><dd class="value">{value}</dd><dd class="hint">{hint}</dd></div>'
        for name, value, hint in tiles
    )
    return f'<dl class="tiles">{cells}</dl>'


def _movements(figures: Figures) -> str:
    names = ("OPEN_AT_START", "OPENED", "REOPENED", "CLOSED", "OPEN_AT_END")
    drawn = charts.bridge(*(figures.count(name) for name in names))
    head = "".join(f'<th scope="col">{MEASURES[name]}</th>' for name in names)
    cells = "".join(f"<td>{figures.count(name):,}</td>" for name in names)
    return (
        '<section aria-labelledby="movements"><h2 id="movements">Movements of the month</h2>'
        f'<p class="note">How the open cases at the start became those at the end.</p><figure>{drawn}</figure>'
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="movements"><table><thead><tr>'
        f'<th scope="col">Cases</th>{head}</tr></thead>'
        f'<tbody><tr><th scope="row">All</th>{cells}</tr></tbody></table></div></section>'
    )


def _dimension(figures: Figures, dimension: str, title: str) -> str:
    groups = figures.groups(dimension)
    name = dimension.lower()
    heading = f'<h2 id="{name}">By {title.lower()}</h2>'
    if not groups:
        return f'<section aria-labelledby="{name}">{heading}<p class="note">No cases.</p></section>'
    bars = [_bar(figures, dimension, group) for group in groups[:_CHARTED]]
    drawn = charts.groups(f"{name}-chart", f"Open cases and movements by {title.lower()}", bars)
    rest = len(groups) - len(bars)
    note = f"The {_CHARTED} groups with most open cases; {rest} more are in the table." if rest else "All groups."
    key = (
        '<p class="key"><span class="main"></span>open at end<span class="mark"></span>open at start'
        '<span class="out"></span>closed<span class="in"></span>opened and reopened</p>'
    )
    return (
        f'<section aria-labelledby="{name}">{heading}<p class="note">{note}</p>{key}<figure>{drawn}</figure>'
        f"{_table(figures, dimension, title, groups)}</section>"
    )


def _bar(figures: Figures, dimension: str, group: str) -> charts.Bar:
    def count(measure: str) -> int:
        return figures.count(measure, dimension, group)

    arrived = count("OPENED") + count("REOPENED")
    return charts.Bar(_label(dimension, group), count("OPEN_AT_START"), count("OPEN_AT_END"), arrived, count("CLOSED"))


def _label(dimension: str, group: str) -> str:
    return group or f"no {DIMENSIONS[dimension].lower()}"


def _table(figures: Figures, dimension: str, title: str, groups: list[str]) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in MEASURES.values())
    rows = "".join(
        f'<tr><th scope="row"><bdi>{html(_label(dimension, group))}</bdi></th>{_cells(figures, dimension, group)}</tr>'
        for group in groups
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="Figures by {title.lower()}"><table>'
        f"<caption>Cases by {title.lower()}, with the month's total</caption>"
        f'<thead><tr><th scope="col">{title}</th>{head}</tr></thead><tbody>{rows}</tbody>'
        f'<tfoot><tr><th scope="row">Total</th>{_cells(figures, "TOTAL", "")}</tr></tfoot></table></div>'
    )


def _cells(figures: Figures, dimension: str, group: str) -> str:
    return "".join(_cell(figures.get(name, dimension, group), unit_of(name)) for name in MEASURES)


def _cell(value: Decimal | None, unit: str) -> str:
    return f"<td>{number(value, unit)}</td>" if value else f'<td class="zero">{number(value, unit)}</td>'


def _penalties(figures: Figures) -> str:
    units = figures.currencies()
    heading = '<h2 id="penalties">Penalties</h2>'
    if not units:
        return f'<section aria-labelledby="penalties">{heading}<p class="note">None were imposed.</p></section>'
    head = "".join(f'<th scope="col">{html(unit)}</th>' for unit in units)
    parts = "".join(_penalties_by(figures, units, dimension, title) for dimension, title in DIMENSIONS.items())
    total = "".join(_cell(figures.penalty(unit), unit) for unit in units)
    return (
        f'<section aria-labelledby="penalties">{heading}<p class="note">Of the decisions of the month. '
        "Amounts of different currencies are never added; groups without penalties are left out.</p>"
        '<div class="scroll" role="region" tabindex="0" aria-labelledby="penalties"><table><thead><tr>'
        f'<th scope="col">Group</th>{head}</tr></thead>{parts}'
        f'<tfoot><tr><th scope="row">Total</th>{total}</tr></tfoot></table></div></section>'
    )


def _penalties_by(figures: Figures, units: list[str], dimension: str, title: str) -> str:
    rows = []
    for group in figures.groups(dimension):
        amounts = [figures.penalty(unit, dimension, group) for unit in units]
        if any(amount is not None for amount in amounts):
            cells = "".join(_cell(amount, unit) for amount, unit in zip(amounts, units, strict=True))
            rows.append(f'<tr><th scope="row"><bdi>{html(_label(dimension, group))}</bdi></th>{cells}</tr>')
    return (
        f'<tbody><tr class="part"><th scope="rowgroup" colspan="{len(units) + 1}">By {title.lower()}</th></tr>'
        f"{''.join(rows)}</tbody>"
    )
