"""Pages of Markdown as the checks of them see it: headings, links, blocks of shell."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from casegold.runtime.shipped import REPOSITORY

_FENCED = re.compile(r"^(```+|~~~+)([^\n]*)\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
_NAMED = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
_CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
SHELL = {"sh", "bash", "shell", "console", ""}


def pages() -> list[Path]:
    """Every page that belongs to the repository; what is hidden or installed is not."""
    found = REPOSITORY.rglob("*.md")
    return sorted(page for page in found if not _is_foreign(page.relative_to(REPOSITORY)))


def _is_foreign(path: Path) -> bool:
    return any(part.startswith(".") or part in {"node_modules", "mutants", "dist", "build"} for part in path.parts)


def links(text: str) -> list[str]:
    """Where the links of a page lead, those in code left out."""
    return [match.group(1) for match in _LINK.finditer(_CODE.sub("", _FENCED.sub("", text)))]


def anchors(text: str) -> set[str]:
    """The names under which a page's headings are found, as GitHub makes them."""
    found: set[str] = set(_NAMED.findall(text))
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        name = _anchor(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "").lower()
    kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def shell_lines(text: str) -> Iterator[str]:
    """Commands in the page's blocks of shell, continued lines joined, and those in running text."""
    for _, language, block in _FENCED.findall(text):
        if language.strip() in SHELL:
            yield from re.sub(r"\\\n\s*", "", block).splitlines()
    for code in _CODE.findall(_FENCED.sub("", text)):
        yield " ".join(code.split())
