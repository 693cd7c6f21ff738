"""Small charts and tables in Markdown for the pages of the UI. Not here: which figures are shown.

The UI shows a short inline SVG at once but folds a long value, so charts stay below a kilobyte.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence

from casegold.domain import markup

WIDTH, BAR, WORD, HEIGHT = 360, 14, 90, 34
COLOURS = {"open": "#4c78a8", "escalated": "#f58518", "decided": "#72b7b2", "closed": "#bab0ac"}
"""Colour-blind safe colours of statuses, in the order of a case's lifecycle."""


def share_bar(parts: Mapping[str, float]) -> str:
    """Shares of a whole as one bar, a Markdown image. Parts without a colour are left out; empty if none is left."""
    shown = {name: parts[name] for name in COLOURS if parts.get(name, 0) > 0}
    whole = sum(shown.values())
    if not whole:
        return ""
    left, marks = 0.0, []
    for place, (name, value) in enumerate(shown.items()):
        width = WIDTH * value / whole
        marks.append(f'<rect x="{left:.1f}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[name]}"/>')
        marks.append(f'<text x="{place * WORD}" y="{HEIGHT - 3}" fill="{COLOURS[name]}">{name}</text>')
        left += width
    # An SVG in an image shows no tooltips, so the legend is below the bar, in the colours.
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="12" font-weight="bold">{"".join(marks)}</svg>'
    )
    return f"![{' '.join(shown)}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers have thousands separators."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


class Markdown(str):
    """Trusted Markdown that the platform itself wrote, such as a link to another page."""

    __slots__ = ()


def cell(value: object) -> str:
    """One value of a table. Text is escaped, because samples, reasons and names are untrusted."""
    if isinstance(value, Markdown):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return "" if value is None else markup.cell(str(value))
