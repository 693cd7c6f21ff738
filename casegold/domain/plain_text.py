r"""Text from outside as one line for a terminal or a log: nothing in it moves the cursor, reorders or hides text.

Not here: text as Markdown or HTML (`casegold.domain.markup`) or as a cell of a CSV file (`casegold.domain.csv_text`).
"""

from __future__ import annotations

import unicodedata

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, invisible and bidirectional marks, lone surrogates, line separators."""


def one_line(text: str) -> str:
    r"""The text with every character that steers the display shown by its code: `\x1b`, `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(each) if unicodedata.category(each) in _STEERING else each for each in text)


def visible(text: str) -> str:
    """The same of each line of a text."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def _shown(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
