"""Which durable effects have changed: those named in a module that differs, and in the modules that import it.

A module also differs when an SQL file or a named query does that it loads. Compared is the work tree with the commit
where this branch left the main one; on the main branch, with the commit before. Imports are followed one step, and not
from the domain, which everything imports: the turns of the sample and the whole matrix are for what is farther away.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from casegold.domain.failpoints import EFFECTS
from casegold.domain.sql import QUERIES, split_queries
from tests.sampling.code import REPOSITORY, effect_names, modules

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "main")
EVERYTHING = (
    "casegold/domain/failpoints.py",
    "casegold/control/db.py",
    "tests/conftest.py",
    "tests/crash/final_state.py",
    "tests/crash/restarts.py",
    "tests/crash/test_fail_points.py",
    "tests/sampling/choose.py",
)
"""What every effect goes through, and what every case is judged by."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed, and since when."""

    base: str
    """A commit; empty where there is none to compare with."""
    files: frozenset[str]
    effects: frozenset[str]


def seed_of_commit() -> int | None:
    """A number that the checked-out commit gives; None where there is no Git."""
    head = _git("rev-parse", "HEAD")
    return int(head[:8], 16) if head else None


def changes(base: str) -> Changes:
    """What has changed since a commit; empty text: since this branch left the main one.

    Without Git nothing is known to have changed; with a commit that has none before it, everything has.
    """
    if not _git("rev-parse", "HEAD"):
        return Changes("", frozenset(), frozenset())
    given, base = base, _git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") if base else _base()
    if given and not base:
        raise ValueError(f"BASE={given} is no commit of this repository")
    if not base:
        files = _git("ls-files").splitlines()
        return Changes("", frozenset(files), frozenset(EFFECTS))
    files = _git("diff", "--name-only", base).splitlines()
    files += _git("ls-files", "--others", "--exclude-standard").splitlines()
    return Changes(base[:12], frozenset(files), frozenset(effects_of(files, changed_queries(base, files))))


def changed_queries(base: str, files: Collection[str]) -> set[str]:
    """The names of queries that are new or other than at a commit, in the changed `queries.sql` among some files."""
    found: set[str] = set()
    for file in files:
        path = REPOSITORY / file
        if path.name == QUERIES and path.exists():
            old = split_queries(_git("show", f"{base}:{file}"))
            found |= {name for name, text in split_queries(path.read_text("utf-8")).items() if old.get(name) != text}
    return found


def effects_of(files: Collection[str], queries: Collection[str] = ()) -> set[str]:
    """The effects of changed files, given by their paths in the repository, and of changed queries by name."""
    if not set(files).isdisjoint(EVERYTHING):
        return set(EFFECTS)
    statements = {Path(file).stem for file in files if file.endswith(".sql")} | set(queries)
    trees = dict(modules())
    changed = {path for path, tree in trees.items() if path in files or not statements.isdisjoint(_texts(tree))}
    names = {_module(path) for path in changed if not path.startswith("casegold/domain/")}
    near = {path for path, tree in trees.items() if path in changed or not names.isdisjoint(_imported(tree))}
    used = {name for path in near for name in effect_names(trees[path])}
    return {effect for effect in EFFECTS if effect in used or any(_matches(effect, name) for name in used)}


def _matches(effect: str, name: str) -> bool:
    return name.endswith("*") and effect.startswith(name.rstrip("*"))


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(tree: ast.AST) -> set[str]:
    """The modules that a module imports; a name that it imports from a package counts as one."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def _texts(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _base() -> str:
    head = _git("rev-parse", "HEAD")
    for branch in MAIN_BRANCHES:
        left = _git("merge-base", "HEAD", branch)
        if left and left != head:
            return left
    return _git("rev-parse", "--verify", "--quiet", "HEAD~1")


def _git(*arguments: str) -> str:
    """What Git says of this repository, also within a hook; empty where it has nothing to say, or is not there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
