"""What help teaches: every command is listed once, explains itself, and its examples are commands that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from casegold.cli.main import ENTRIES, SECTIONS, casegold

WIDTH = 80


def commands(group: click.Group = casegold, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command and group below the first, with its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join([*path, name]), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands())


def test_the_list_is_what_the_modules_define() -> None:
    listed = {name for entries in SECTIONS.values() for name in entries}
    assert sum(map(len, SECTIONS.values())) == len(listed) == len(ENTRIES)
    modules = {entry.module for entry in ENTRIES.values()}
    defined = {
        (module, command.name) for module in modules for command in import_module(f"casegold.cli.{module}").commands
    }
    assert defined == {(entry.module, name) for name, entry in ENTRIES.items()}


def test_help_fits_a_terminal_and_cuts_nothing_off() -> None:
    said = CliRunner().invoke(casegold, ["--help"], terminal_width=WIDTH).output
    assert [line for line in said.splitlines() if len(line) > WIDTH] == []
    for name, entry in ENTRIES.items():
        assert re.search(rf"^  {name} +{re.escape(entry.summary)}$", said, re.MULTILINE), f"{name} in one line"


@pytest.mark.parametrize("name", EVERY)
def test_every_command_explains_itself_with_examples_that_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("receipt.csv").touch()
    text = EVERY[name].help or ""
    assert "\b\n" in text and "Examples:" in text, f"`casegold {name} --help` has no examples"
    examples = re.findall(r"casegold (?!\$)[^\n]*", text.partition("Examples:")[2])
    assert any(example.startswith(f"casegold {name}") for example in examples), "its own"
    for example in examples:
        called(example)
    for option in EVERY[name].params:
        assert not isinstance(option, click.Option) or option.help or option.name in {"form", "engine"}, option.name


def called(example: str) -> None:
    """Read the arguments of an example as the command would; raises click.UsageError where it would."""
    line = re.split(r" > | && |\)\"", example)[0]
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = casegold
    while isinstance(command, click.Group) and words:
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, example
        command, words = inner, words[1:]
    command.make_context(command.name, words)


def test_what_is_mistyped_is_answered_with_what_was_meant() -> None:
    said = CliRunner().invoke(casegold, ["verions"])
    assert said.exit_code == 2
    assert "Did you mean versions or verify?" in said.output
    assert "`casegold --help` lists the commands" in CliRunner().invoke(casegold, ["conquer"]).output
