"""The glossary has the words that are in use, in order, and pages lead to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from casegold.runtime.shipped import REPOSITORY
from tests.docs.markdown import links, pages

GLOSSARY = REPOSITORY / "docs" / "glossary.md"
WORDS = re.findall(r"^\| \*\*([a-z ]+)\*\* \| .+\. \|$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _text() -> str:
    code = [path for path in (REPOSITORY / "casegold").rglob("*") if path.suffix in {".py", ".sql"}]
    read = [path.read_text(encoding="utf-8") for path in (*code, *pages()) if path != GLOSSARY]
    return re.sub(r"[\s_-]+", " ", " ".join(read)).lower()


TEXT = _text()


def test_every_row_is_a_word_and_they_are_in_order() -> None:
    rows = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    assert len(rows) == len(WORDS) > 0
    assert sorted(WORDS) == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_the_word_is_in_use(word: str) -> None:
    assert re.search(rf"\b{re.escape(word)}", TEXT), f"nothing says {word}"


def test_pages_lead_to_it() -> None:
    leading: list[Path] = []
    for page in pages():
        if any(link.partition("#")[0].endswith("glossary.md") for link in links(page.read_text(encoding="utf-8"))):
            leading.append(page)
    names = {page.name for page in leading}
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "case-semantics.md"} <= names
