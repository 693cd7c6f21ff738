"""Escapes untrusted text for a CSV cell: no spreadsheet reads it as a formula, no terminal as a command."""

from __future__ import annotations

import re

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that a spreadsheet may read as the start of a formula (OWASP, CSV Injection)."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def safe_cell(text: str) -> str:
    r"""The text with an apostrophe before a possible formula, and with control characters as `\x1b`."""
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    harmless = not shown.startswith(FORMULAS) or _NUMBER.fullmatch(shown)
    return shown if harmless else f"'{shown}"
