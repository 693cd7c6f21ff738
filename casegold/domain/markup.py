"""Escapes untrusted text for Markdown and HTML: it creates no link, image, tag, table cell or emphasis.

Dagster renders GitHub Flavored Markdown. Not here: Markdown that the platform writes itself
(`platform_assets.pictures`), terminals and logs (`casegold.domain.plain_text`).
"""

from __future__ import annotations

import re
from html import escape

from casegold.domain.plain_text import one_line

MOST = 1_000
"""Maximum length of one value on a page, in characters: an endless word would push everything else out of sight."""

_MARKS = re.compile(r"[\\`*\[\]<>|~!&$#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""Markdown's special characters. An underscore inside a word has no effect, and names are full of them."""
_LINKED = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
"""What GitHub Flavored Markdown turns into a link by itself. Only a code span prevents that, no escape does."""


def markdown(text: str) -> str:
    """The text as inline Markdown. Use `cell` in a table."""
    shown = one_line(text)
    if len(shown) > MOST:
        shown = f"{shown[:MOST]}… ({len(text):,} characters)"
    return _code(shown) if _LINKED.search(shown) else _MARKS.sub(lambda found: f"\\{found[0]}", shown)


def cell(text: str) -> str:
    """The text for a table cell, which ends at every bar without a backslash, even inside a code span."""
    written = markdown(text)
    return written.replace("|", "\\|") if written.startswith("`") else written


def html(text: str) -> str:
    """The text as HTML content or as a quoted attribute value."""
    return escape(one_line(text))


def _code(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}"
