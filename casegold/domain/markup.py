"""Text from outside as Markdown or HTML: it shows as it is, and makes no link, picture, tag, table cell or emphasis.

Dagster renders GitHub's Markdown. Not here: pages of our own (`platform_assets.pictures`), terminals and logs
(`casegold.domain.plain_text`).
"""

from __future__ import annotations

import re
from html import escape

from casegold.domain.plain_text import one_line

MOST = 1_000
"""Characters of one value on a page: a word without an end would push everything else out of sight."""

_MARKS = re.compile(r"[\\`*\[\]<>|~!&$#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore within a word is none, and names are full of them."""
_LINKED = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
"""What GitHub's Markdown makes a link of without being asked. No escape prevents that, only code does."""


def markdown(text: str) -> str:
    """The text for a place within a line. In a table it is `cell`."""
    shown = one_line(text)
    if len(shown) > MOST:
        shown = f"{shown[:MOST]}… ({len(text):,} characters)"
    return _code(shown) if _LINKED.search(shown) else _MARKS.sub(lambda found: f"\\{found[0]}", shown)


def cell(text: str) -> str:
    """The text for a cell of a table, which ends at every bar that has no backslash, within code, too."""
    written = markdown(text)
    return written.replace("|", "\\|") if written.startswith("`") else written


def html(text: str) -> str:
    """The text between tags or in an attribute in quotes."""
    return escape(one_line(text))


def _code(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}"
