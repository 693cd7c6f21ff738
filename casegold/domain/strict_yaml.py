"""Strict YAML reading: every error names file, place and remedy. Not here: the meaning of any file."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from casegold.domain.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)
MAX_DEPTH = 50
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_DAYS = re.compile(r"P(\d{1,5})D")


class _StrictLoader(yaml.CSafeLoader):  # 0.02 s instead of 0.25 s for the contracts, at every start
    """Refuses duplicate keys; plain YAML silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        seen: set[Hashable] = set()
        for key in keys:
            if not isinstance(key, Hashable):
                continue  # refused below
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file and its place, which every error names."""

    value: Any
    file: str
    path: str
    whole: str = field(default="", repr=False, compare=False)
    """The text of the whole file, if errors are to name the line."""

    def refuse(self, problem: str, remedy: str, *, key: str = "") -> ConfigurationError:
        """An error that says what is wrong with this value, or with one of its keys."""
        path = f"{self.path}.{key}" if self.path and key else self.path or key
        line = f", line {line_of(self.whole, path)}" if self.whole else ""
        return ConfigurationError(f"{self.file}{line}: {self.path or 'the file'}: {problem}", remedy=remedy)

    def mapping(self, allowed: frozenset[str] | None = None) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.refuse("is not a mapping", "write `name: value` lines below it")
        for name in self.value:
            if allowed is not None and name not in allowed:
                raise self.refuse(
                    f"unknown field {name!r}", f"known fields: {', '.join(sorted(allowed))}", key=str(name)
                )
        return self.value

    def get(self, name: str) -> Node:
        if self.mapping().get(name) is None:
            raise self.refuse(f"the field {name!r} is missing", f"add {name!r}")
        return Node(self.value[name], self.file, f"{self.path}.{name}" if self.path else name, self.whole)

    def get_or(self, name: str, default: Any) -> Node:
        return (
            self.get(name)
            if self.mapping().get(name) is not None
            else Node(default, self.file, f"{self.path}.{name}", self.whole)
        )

    def items(self) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.refuse("is not a list", "write one `- ` line for each entry")
        return [Node(item, self.file, f"{self.path}[{index}]", self.whole) for index, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refuse(f"{self.value!r} is not text", "give non-empty text, in quotes if it looks like a number")
        return self.value.strip()

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.text().split(","))

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refuse(f"{self.value!r} is not a whole number", "give a whole number")
        return self.value

    def decimal(self) -> Decimal:
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not number or not math.isfinite(self.value):
            raise self.refuse(f"{self.value!r} is not a number", "give a number such as 0.5")
        return Decimal(str(self.value))  # from its text: 0.1 is exactly a tenth

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refuse(f"{self.value!r} is neither true nor false", "give true or false")
        return self.value

    def day(self) -> date:
        # YAML itself reads 2000-01-01 as a date. `isinstance` would also accept a timestamp, which is a mistake here.
        if type(self.value) is not date:
            raise self.refuse(f"{self.value!r} is not a date", "give a date as YYYY-MM-DD, without quotes")
        return self.value

    def duration(self) -> timedelta:
        match = _DAYS.fullmatch(self.text())
        if match is None:
            raise self.refuse(f"{self.value!r} is not a number of days", "give whole days as P7D")
        return timedelta(days=int(match[1]))

    def choice(self, kind: type[E]) -> E:
        if self.value not in [member.value for member in kind]:
            raise self.refuse(f"{self.value!r} is unknown", f"one of {', '.join(member.value for member in kind)}")
        return kind(self.value)


def read_yaml(text: str, file: str, *, with_lines: bool = False) -> Node:
    """The file's content as a node.

    Args:
        with_lines: errors name the line.

    Raises:
        ConfigurationError: the text is not YAML, has a duplicate key, or is nested too deeply.
    """
    try:
        _refuse_depth(text)
        # The loader is a SafeLoader: it builds plain values only.
        return Node(yaml.load(text, Loader=_StrictLoader), file, "", text if with_lines else "")  # noqa: S506
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"{file}, line {mark.line + 1}:" if mark else file
        raise ConfigurationError(f"{place} is not valid YAML: {problem or error}", remedy="correct the file") from error


def _refuse_depth(text: str) -> None:
    """Check the depth before any value is built: the constructor is recursive, and unbounded depth ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_StrictLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def line_of(text: str, path: str) -> int:
    """The line of the value at a path, or of the nearest value around it."""
    node: yaml.Node | None = yaml.compose(text, Loader=_StrictLoader)
    if node is None:
        return 1
    line = node.start_mark.line
    for name, index in _PART.findall(path):
        found = _below(node, name, index)
        if found is None:
            break
        line, node = found
    return int(line) + 1


def _below(node: yaml.Node, name: str, index: str) -> tuple[int, yaml.Node] | None:
    """Line and value of one part of a path. A list of `property` and `value` pairs is read as a mapping."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == name), None)
    if isinstance(node, yaml.SequenceNode) and index:
        item = node.value[int(index)]
        return item.start_mark.line, item
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            fields = {key.value: value for key, value in item.value} if isinstance(item, yaml.MappingNode) else {}
            if "property" in fields and fields["property"].value == name and "value" in fields:
                return fields["value"].start_mark.line, fields["value"]
    return None
