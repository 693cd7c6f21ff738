"""No text from outside is a formula for a spreadsheet or a command for a terminal, and none is lost."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casegold.domain.csv_text import FORMULAS, safe_cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('=HYPERLINK("http://evil")', '\'=HYPERLINK("http://evil")'),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-5", "-5"),
        ("+5.25", "+5.25"),
        ("a=b", "a=b"),
        ("", ""),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("two\r\nlines", "two\r\nlines"),
    ],
)
def test_what_would_act_is_shown(text: str, shown: str) -> None:
    assert safe_cell(text) == shown


@given(st.text())
def test_nothing_acts_and_nothing_is_lost(text: str) -> None:
    shown = safe_cell(text)
    assert not any(unicodedata.category(each) == "Cc" and each not in "\t\r\n" for each in shown)
    assert not shown.startswith(FORMULAS) or shown.lstrip("+-").replace(".", "").isdecimal()
    out = io.StringIO(newline="")
    csv.writer(out).writerow([shown])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [shown]
    if not any(unicodedata.category(each) == "Cc" for each in text):
        assert shown.removeprefix("'") == text.removeprefix("'")
