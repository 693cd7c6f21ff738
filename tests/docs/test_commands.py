"""No page names a command or an option of casegold, or a verb of make, that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from casegold.runtime.shipped import REPOSITORY
from tests.docs.commands import calls, complaint
from tests.docs.markdown import pages, shell_lines

VERBS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
# What it tells was so; what came later does not change it.
PAGES = [page for page in pages() if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_exist(page: Path) -> None:
    wrong = []
    for line in shell_lines(page.read_text(encoding="utf-8")):
        wrong += [f"{line}: {said}" for words in calls(line) if (said := complaint(words)) is not None]
        wrong += [f"{line}: make has no {verb}" for verb in re.findall(r"^make ([a-z-]+)", line) if verb not in VERBS]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("casegold plan  # what is due", []),
        ("casegold backfill status x && casegold nothing", ["casegold has no command nothing"]),
        (".venv/bin/casegold plan --dry-run | head", ["plan has no option --dry-run"]),
        ('eval "$(casegold nothing)"', ["casegold has no command nothing"]),
        ("pip install casegold-0.1.0.whl", []),
    ],
)
def test_what_does_not_exist_is_found(line: str, said: list[str]) -> None:
    found = [complaint(words) for words in calls(line)]
    assert [each for each in found if each is not None] == said
