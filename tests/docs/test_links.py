"""Every link of every page leads somewhere: to a file that is there, to a heading that is in it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from casegold.runtime.shipped import REPOSITORY
from tests.docs.markdown import anchors, links, pages

DECISIONS = REPOSITORY / "docs" / "decisions"
INDEX = DECISIONS / "README.md"


def broken(page: Path, text: str) -> list[str]:
    """Links within the repository that lead nowhere. Addresses on the Internet are not called."""
    found = []
    for link in links(text):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.exists():
            found.append(f"{link}: no such file")
        elif parts.fragment and parts.fragment not in anchors(target.read_text(encoding="utf-8")):
            found.append(f"{link}: no such heading")
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_the_index_tells_every_decision_by_its_title() -> None:
    wanted = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        number, title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(". ", 1)
        assert int(number) == int(path.name[:4]), f"{path.name} has another number in its title"
        wanted.append(f"| {number} | [{title}]({path.name}) |")
    rows = [line for line in INDEX.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "](" in line]
    assert rows == wanted


def test_every_page_can_be_reached_from_the_readme() -> None:
    ahead, seen = [REPOSITORY / "README.md"], set[Path]()
    while ahead:
        page = ahead.pop()
        if page.is_dir() or page in seen:
            continue
        seen.add(page)
        if page.suffix == ".md":
            paths = (
                unquote(urlsplit(link).path) for link in links(page.read_text(encoding="utf-8")) if "://" not in link
            )
            ahead += [(page.parent / path).resolve() for path in paths if path and (page.parent / path).exists()]
    assert [str(page.relative_to(REPOSITORY)) for page in pages() if page not in seen] == []


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One `two`, three\n## Twice\n## Twice\n```sh\n# no heading\n```\n")
    text = (
        "[good](other.md#one-two-three) [good](other.md#twice-1) [`x`](other.md) [far](https://example.org/x#y)\n"
        "[gone](gone.md) [wrong](other.md#no-heading)\n`[code](gone.md)`\n```\n[code](gone.md)\n```\n"
    )
    assert broken(tmp_path / "page.md", text) == ["gone.md: no such file", "other.md#no-heading: no such heading"]
