"""`casegold ...` as pages write it, compared with the commands and options that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from casegold.cli.main import casegold

_ENDS = {"|", "||", "&&", ";", "&", ">", ">>", "<", ")"}
_STARTS = re.compile(r"(?:^|[\s(;|&\"'$])(?:[\w./$-]*/)?casegold\s+(?=[a-z])")


def calls(line: str) -> Iterator[list[str]]:
    """The words after each `casegold` of a line of shell, up to where its command ends."""
    command = re.sub(r"(?:^|\s)#.*$", "", line)
    for match in _STARTS.finditer(command):
        lexer = shlex.shlex(command[match.end() :], posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        try:
            for word in lexer:
                if word in _ENDS or set(word) <= set("();<>|&"):
                    break
                words.append(word)
        except ValueError:  # a quotation mark opened before `casegold` closes here; what stands before it counts
            pass
        yield words


def complaint(words: list[str]) -> str | None:
    """What is wrong with a call, or None. Values are not judged: pages write placeholders."""
    command: click.Command = casegold
    context = click.Context(casegold)
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return f"{command.name} has no command {name}"
        command = found
    options = {
        name: option for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)
    }
    for word in rest:
        name = word.partition("=")[0]
        if name.startswith("--") and name not in options:
            return f"{command.name} has no option {name}"
    return None
