"""The failure review names tables, indexes, triggers, commands and tests: each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from casegold.cli.main import casegold
from casegold.control.db import ControlDb

REPOSITORY = Path(__file__).parents[1]
REVIEW = (REPOSITORY / "docs" / "failure-review.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"\b(table|index|trigger|command|test) `([^`]+)`", REVIEW)))
QUERIES = {
    "table": "select 1 from pg_tables where schemaname = 'casegold' and tablename = %(name)s",
    "index": "select 1 from pg_indexes where schemaname = 'casegold' and indexname = %(name)s",
    "trigger": "select 1 from pg_trigger where tgname = %(name)s and tgenabled <> 'D'",
}


def test_every_question_is_backed() -> None:
    questions = re.findall(r"^\*\*.+\?\*\*$", REVIEW, flags=re.MULTILINE)
    assert len(questions) >= 25
    assert len(re.findall(r"^Backed by: .*`", REVIEW, flags=re.MULTILINE)) == len(questions)


@pytest.mark.parametrize(("kind", "name"), [each for each in NAMED if each[0] in QUERIES])
def test_it_is_in_the_control_database(control: ControlDb, kind: str, name: str) -> None:
    assert control.rows(QUERIES[kind], {"name": name})


@pytest.mark.parametrize("name", [name for kind, name in NAMED if kind == "command"])
def test_the_command_exists(name: str) -> None:
    command: click.Command = casegold
    program, *words = name.split()
    assert program == "casegold"
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None, word
        command = found


@pytest.mark.parametrize("name", [name for kind, name in NAMED if kind == "test"])
def test_the_test_exists(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert function in functions or (not function and any(each.startswith("test_") for each in functions))
