r"""Escapes untrusted text for a terminal or a log: nothing in it moves the cursor, reorders text or hides it.

Not here: escaping for Markdown or HTML (`casegold.domain.markup`) and for CSV (`casegold.domain.csv_text`).
"""

from __future__ import annotations

import unicodedata

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, invisible and bidirectional marks, lone surrogates, line separators."""


def one_line(text: str) -> str:
    r"""The text as one line; characters that control the display become their code: `\x1b`, `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(each) if unicodedata.category(each) in _STEERING else each for each in text)


def visible(text: str) -> str:
    """`one_line` for each line of a text."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def _shown(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
