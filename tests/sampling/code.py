"""The product's modules as syntax trees, and the durable effects that each of them names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PRODUCT = ("casegold", "products", "sensors", "platform_assets", "resources")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PRODUCT:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            yield str(path.relative_to(REPOSITORY)), ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr
        if isinstance(node.func, ast.Name):
            return node.func.id
    return ""


def effect_names(tree: ast.AST) -> Iterator[str]:
    """The names given to `durable(...)` and `.write(...)`; an f-string as its constant beginning with a star."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in {"durable", "write"} and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value
            elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
                yield f"{name.values[0].value!s}*"
