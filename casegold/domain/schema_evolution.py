"""Schema compatibility: whether a new event schema accepts all that the released one accepts. Not here: validation.

The rule is deliberately strict: a change that is not known to be compatible is a problem, so a new keyword has to be
decided on here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_DESCRIPTIVE = frozenset({"$schema", "$id", "title", "description", "examples"})
_LOWER_BOUNDS = frozenset({"minimum", "minLength"})
_UPPER_BOUNDS = frozenset({"maximum", "maxLength"})
_CHOICES = {"enum": "value", "anyOf": "alternative"}
_DAY = "^(19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"
_OFFSET = "[+-][0-9]{2}:[0-9]{2})$"
WIDER_PATTERNS: dict[str, str] = {
    # Instants: up to nine decimals, and the lower-case letters of RFC 3339.
    rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?(Z|{_OFFSET}": (
        rf"{_DAY}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?([Zz]|{_OFFSET}"
    ),
}
"""Released pattern -> the wider one that replaces it. People enter each pair, because code cannot decide whether one
pattern accepts all that another does. A test generates texts that match the released one and tries them on the new."""


def incompatibilities(released: Schema, new: Schema, place: str = "data") -> list[str]:
    """What the new schema refuses or omits that the released one has, each with its place; empty if it only adds."""
    return list(_problems(released, new, place))


def _problems(released: Schema, new: Schema, place: str) -> Iterator[str]:
    for keyword in sorted((released.keys() | new.keys()) - _DESCRIPTIVE):
        before, after = released.get(keyword), new.get(keyword)
        if before == after:
            continue
        if keyword == "properties":
            yield from _properties(before or {}, after or {}, place)
        elif keyword == "required":
            for name in sorted(set(after or ()) - set(before or ())):
                yield f"{place}.{name}: newly required"
        elif keyword in _CHOICES:
            yield from _choices(keyword, before, after, place)
        elif keyword == "type":
            if not _types(before) <= _types(after):
                yield f"{place}: retyped from {before} to {after}"
        elif not _widened(keyword, before, after):
            yield f"{place}: {keyword} changed from {before} to {after}"


def _properties(before: Schema, after: Schema, place: str) -> Iterator[str]:
    for name, schema in before.items():
        if name in after:
            yield from _problems(schema, after[name], f"{place}.{name}")
        else:
            yield f"{place}.{name}: removed"


def _choices(keyword: str, before: list[Any] | None, after: list[Any] | None, place: str) -> Iterator[str]:
    """A further value or alternative accepts more, none at all accepts everything."""
    for choice in before or ():
        if after is not None and choice not in after:
            yield f"{place}: the {_CHOICES[keyword]} {choice!r} is gone"
    if before is None:
        yield f"{place}: newly limited to {keyword}"


def _types(declared: str | list[str] | None) -> set[str]:
    if declared is None:
        return {"object", "array", "string", "integer", "number", "boolean", "null"}
    return {declared} if isinstance(declared, str) else set(declared)


def _widened(keyword: str, before: Any, after: Any) -> bool:
    if after is None:
        return keyword in _LOWER_BOUNDS | _UPPER_BOUNDS
    if before is None:
        return False
    if keyword == "pattern":
        return bool(WIDER_PATTERNS.get(before) == after)
    return (keyword in _LOWER_BOUNDS and after <= before) or (keyword in _UPPER_BOUNDS and after >= before)
