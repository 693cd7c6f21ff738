"""Charts of the report as inline SVG, readable without colour, each described in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from casegold.domain.markup import html

WIDTH = 880
_ROW = 30
_LABEL_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One group's row in a chart of groups."""

    label: str
    start: int
    end: int
    arrived: int
    """Opened and reopened."""
    left: int
    """Closed."""


def bridge(start: int, opened: int, reopened: int, closed: int, end: int) -> str:
    """From open at start over the month's movements to open at end."""
    levels = [
        ("Open at start", "main", 0, start, f"{start:,}"),
        ("Opened", "in", start, start + opened, f"+{opened:,}"),
        ("Reopened", "in", start + opened, start + opened + reopened, f"+{reopened:,}"),
        ("Closed", "out", end, start + opened + reopened, f"−{closed:,}"),  # noqa: RUF001 - a minus sign
        ("Open at end", "main", 0, end, f"{end:,}"),
    ]
    top, base, width = 28, 220, 96
    step = (WIDTH - width) / (len(levels) - 1)
    scale = (base - top) / max(start + opened + reopened, 1)
    parts = [f'<line class="axis" x1="0" x2="{WIDTH}" y1="{base}" y2="{base}"/>']
    for place, (label, kind, low, high, text) in enumerate(levels):
        x, y = place * step, base - high * scale
        # A movement of a few cases among thousands is still drawn.
        height = max((high - low) * scale, 2 if high > low else 0)
        middle = x + width / 2
        parts += [
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height:.1f}" rx="2"/>',
            f'<text class="strong" x="{middle:.1f}" y="{y - 8:.1f}" text-anchor="middle">{text}</text>',
            f'<text class="soft" x="{middle:.1f}" y="{base + 20}" text-anchor="middle">{label}</text>',
        ]
        if place < len(levels) - 1:
            after = end if label == "Closed" else high
            line = base - after * scale
            parts.append(
                f'<line class="link" x1="{x + width:.1f}" x2="{x + step:.1f}" y1="{line:.1f}" y2="{line:.1f}"/>'
            )
    words = f"{start:,} open at start, {opened:,} opened, {reopened:,} reopened, {closed:,} closed, {end:,} open at end"
    return _svg("bridge", "From open at start to open at end", words, base + 32, parts)


def groups(name: str, title: str, bars: Sequence[Bar]) -> str:
    """Open cases of each group (bar: at end, tick: at start), and beside it what left and what arrived."""
    top, left, open_width, middle, half = 34, 210, 230, 690, 115
    most = max([max(bar.start, bar.end) for bar in bars] + [1])
    moved = max([max(bar.arrived, bar.left) for bar in bars] + [1])
    bottom = top + _ROW * len(bars)
    parts = [
        f'<text class="soft" x="{left}" y="16">Open cases</text>',
        f'<text class="soft" x="{middle - 8}" y="16" text-anchor="end">Closed</text>',
        f'<text class="soft" x="{middle + 8}" y="16">Opened, reopened</text>',
        f'<line class="axis" x1="{left}" x2="{left}" y1="24" y2="{bottom}"/>',
        f'<line class="axis" x1="{middle}" x2="{middle}" y1="24" y2="{bottom}"/>',
    ]
    for place, bar in enumerate(bars):
        y = top + place * _ROW
        end, start = bar.end / most * open_width, left + bar.start / most * open_width
        gone, come = bar.left / moved * half, bar.arrived / moved * half
        beyond = max(left + end, start) + 8
        text = y + 14
        parts += [
            f"<g><title>{html(bar.label)}</title>",
            f'<text x="{left - 12}" y="{text}" text-anchor="end">{html(_short(bar.label))}</text>',
            f'<rect class="main" x="{left}" y="{y}" width="{end:.1f}" height="18" rx="2"/>',
            f'<line class="mark" x1="{start:.1f}" x2="{start:.1f}" y1="{y - 3}" y2="{y + 21}"/>',
            f'<text class="strong" x="{beyond:.1f}" y="{text}">{bar.end:,}</text>',
            f'<rect class="out" x="{middle - gone:.1f}" y="{y}" width="{gone:.1f}" height="18" rx="2"/>',
            f'<text x="{middle - gone - 7:.1f}" y="{text}" text-anchor="end">{bar.left:,}</text>',
            f'<rect class="in" x="{middle}" y="{y}" width="{come:.1f}" height="18" rx="2"/>',
            f'<text x="{middle + come + 7:.1f}" y="{text}">{bar.arrived:,}</text></g>',
        ]
    words = "; ".join(
        f"{bar.label}: {bar.start:,} open at start, {bar.end:,} at end, {bar.left:,} closed, "
        f"{bar.arrived:,} opened or reopened"
        for bar in bars
    )
    return _svg(name, title, words, bottom + 6, parts)


def _svg(name: str, title: str, words: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-words">'
        f'<title id="{name}-title">{html(title)}</title><desc id="{name}-words">{html(words)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_CHARACTERS else f"{label[: _LABEL_CHARACTERS - 1]}…"
