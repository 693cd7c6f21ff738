"""Every place that lists the event types lists all of them: a new type makes each place that lacks it red here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from casegold.domain.events import EVENT_TYPES, PAYLOADS, CaseCorrected, Payload, ReplacementData
from casegold.runtime.contracts import load_contracts
from casegold.transform.silver import RENAMED

ROOT = Path(__file__).parents[2]
CORRECTION = "CaseCorrected"
TOLD = (
    "docs/producers.md",
    "docs/first-hour.md",
    "examples/producers/case_system.py",
    "examples/producers/case_system.sh",
    "examples/producers/CaseSystem.java",
)
PLAIN = [kind for kind in PAYLOADS.values() if kind is not CaseCorrected]


def _schema(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def _domain(path: str, column: str) -> list[str]:
    """The values that a contract allows in a column."""
    properties = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["schema"][0]["properties"]
    (found,) = [each["quality"][0]["arguments"]["validValues"] for each in properties if each["name"] == column]
    values: list[str] = found
    return values


@pytest.mark.parametrize("path", TOLD)
def test_a_page_or_example_names_every_type(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    missing = [kind for kind in EVENT_TYPES if kind not in text]
    assert missing == [], f"{path} does not name {', '.join(missing)}"


@pytest.mark.parametrize("path", ["contracts/events/Envelope.v1.json", "contracts/messages/ControlTotal.v1.json"])
def test_a_message_may_have_every_type(path: str) -> None:
    assert sorted(_schema(path)["properties"]["eventType"]["enum"]) == sorted(EVENT_TYPES), path


def test_a_replacement_may_be_of_every_type_but_a_correction() -> None:
    path = "contracts/events/CaseCorrected.v1.json"
    data = _schema(path)["properties"]["replacement"]["properties"]["data"]
    named = {each["$ref"].split(":")[3] for each in data["anyOf"]}
    assert named == {kind for kind in EVENT_TYPES if kind != CORRECTION}, path


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_a_replacement_may_have_every_field(kind: type[Payload]) -> None:
    """A field that `ReplacementData` lacks would be kept as text and change no figure."""
    assert set(kind.__struct_fields__) <= set(ReplacementData.__struct_fields__), f"ReplacementData lacks {kind}"
    properties = _schema("contracts/events/CaseCorrected.v1.json")["properties"]["replacement"]["properties"]["data"]
    assert set(_schema(f"contracts/events/{kind.__name__}.v1.json")["properties"]) <= set(properties["properties"])


@pytest.mark.parametrize(
    ("path", "column", "but"),
    [
        ("contracts/datasets/silver_case_events.yaml", "event_type", ()),
        ("contracts/datasets/bronze_control_totals.yaml", "event_type", ()),
        ("products/case_daily_snapshot/contract.yaml", "last_event_type", (CORRECTION,)),
    ],
)
def test_a_column_may_hold_every_type(path: str, column: str, but: tuple[str, ...]) -> None:
    assert sorted(_domain(path, column)) == sorted(set(EVENT_TYPES) - set(but)), f"validValues of {column} in {path}"


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_silver_has_a_column_for_every_field(kind: type[Payload]) -> None:
    """A field without a column would be dropped without a word."""
    contracts = load_contracts(ROOT / "contracts" / "datasets")
    columns = {column.name for column in contracts["silver/case_events"].columns}
    assert {RENAMED.get(name, name) for name in kind.__struct_fields__} <= columns
