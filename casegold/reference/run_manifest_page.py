"""Writes docs/run-manifest.md from the JSON Schema of a run manifest. Not here: what the fields mean (the schema)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from casegold.runtime.shipped import RUN_MANIFEST_SCHEMA

HEAD = """\
# The manifest of a run

`casegold runs show RUN_ID` shows all that is recorded of one run: who asked for it and why, all that its outcome
depends on, every attempt, the results of the gate, inputs and versions, and announcements. The table for people leaves
out long parts; the JSON is complete:

```sh
casegold runs list --dataset gold/case_daily_snapshot --since 2026-03-01
casegold runs show 3f9a1c                            # a unique prefix of the id is enough
casegold runs show 3f9a1c --format json > run.json
```

The JSON follows the schema [RunManifest.v1.json](../contracts/answers/RunManifest.v1.json) (JSON Schema 2020-12). Every
field is always present; null or an empty list means that there is nothing. Instants are in UTC (ISO 8601). Lists have a
fixed order, so the manifest of an ended run is always the same text, except for what changes later: verifications,
released holds, delivered announcements, and the owners in the present contract.

Two things have no run of their own and are recorded here: how a date was closed (`day_closes`, in the runs of the
snapshots that needed it), and verifications (`verifications`, in the run whose versions were verified).

This page is written by `make manifest-page` from the schema.

## Fields
"""

Schema = Mapping[str, Any]


def page() -> str:
    """The page as text."""
    schema: Schema = json.loads(RUN_MANIFEST_SCHEMA.read_text(encoding="utf-8"))
    tables = ["\n".join(_table(schema))]
    for path, part in _parts("", schema):
        tables.append("\n".join([f"## `{path}`\n", f"{part[0]}\n", *_table(part[1])]))
    return HEAD + "\n" + "\n\n".join(tables) + "\n"


def _parts(path: str, schema: Schema) -> Iterator[tuple[str, tuple[str, Schema]]]:
    """Every object inside the schema that has fields: its path, its description and its schema."""
    for name, field in schema["properties"].items():
        inner = _object_in(field)
        if inner is not None:
            within = f"{path}{name}" + ("[]" if field.get("type") == "array" else "")
            yield within, (field["description"], inner)
            yield from _parts(f"{within}.", inner)


def _object_in(field: Schema) -> Schema | None:
    places: tuple[Schema, ...] = (field, field.get("items", {}), *field.get("anyOf", ()))
    return next((each for each in places if "properties" in each), None)


def _table(schema: Schema) -> list[str]:
    rows = [f"| `{name}` | {_kind(field)} | {field['description']} |" for name, field in schema["properties"].items()]
    return ["| field | type | meaning |", "|---|---|---|", *rows]


def _kind(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join("null" if each is None else f"`{each}`" for each in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    named = ["list" if kind == "array" else kind for kind in kinds]
    return " or ".join(named)


if __name__ == "__main__":
    print(page(), end="")
